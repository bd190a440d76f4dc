package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/readme"
)

// The pages whose lines are run.
const (
	tourPath     = "../../charts/README.md"
	symptomsPath = "../../charts/RUNBOOK.md"
)

// shell runs the pages' commands in the root of the repository.
type shell struct {
	bin  string // in the PATH, before all others: kubectl and outrider
	vars []string
}

// shell has the tools that the pages tell their reader to have.
func (e *env) shell(t *testing.T) shell {
	t.Helper()
	bin := t.TempDir()
	if _, err := exec.LookPath("kubectl"); err != nil {
		kubectl, err := kube.Kubectl(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(kubectl, filepath.Join(bin, "kubectl")); err != nil {
			t.Fatal(err)
		}
	}
	return shell{bin: bin, vars: []string{"KUBECONFIG=" + e.cluster.Kubeconfig, "PATH=" + bin + ":" + os.Getenv("PATH"), "GOBIN=" + bin, "GOFLAGS=-buildvcs=false"}}
}

// with is the shell with further variables.
func (s shell) with(vars ...string) shell {
	return shell{s.bin, append(append([]string{}, s.vars...), vars...)}
}

// install puts outrider into the PATH.
func (s shell) install(t *testing.T) {
	t.Helper()
	if err := os.Symlink(command(t), filepath.Join(s.bin, "outrider")); err != nil {
		t.Fatal(err)
	}
}

// run returns all that a command prints, and its exit code.
func (s shell) run(t *testing.T, command string) (string, int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "-c", command)
	c.Dir = "../.."
	c.Env = append(os.Environ(), s.vars...)
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", command, err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// repeatable are the commands that may be asked again until they say what they
// should: they change nothing.
var repeatable = []string{"outrider status", "outrider explain", "outrider check"}

// testTour runs the commands of the tour, in their order, as they stand.
func testTour(t *testing.T, e *env) {
	section, err := readme.Section(tourPath, "## Three minutes with it")
	if err != nil {
		t.Fatal(err)
	}
	commands, err := readme.Commands(section)
	if err != nil {
		t.Fatal(err)
	}
	sh := e.shell(t)
	t.Cleanup(func() {
		if err := e.applier.Delete(context.Background(), []byte("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")); err != nil {
			t.Error(err)
		}
	})
	for _, c := range commands {
		again := false
		for _, prefix := range repeatable {
			again = again || strings.HasPrefix(c.Text, prefix)
		}
		wrong := func() string {
			out, code := sh.run(t, c.Text)
			for _, expected := range c.Says {
				if !readme.Holds(out, expected) {
					return fmt.Sprintf("%s\ndoes not say %q, but\n%s", c.Text, expected, out)
				}
			}
			if code != 0 {
				return fmt.Sprintf("%s\nends with %d:\n%s", c.Text, code, out)
			}
			return ""
		}
		if again {
			eventually(t, wrong)
		} else if w := wrong(); w != "" {
			t.Fatal(w)
		}
	}
}

// check runs the check of a symptom of the runbook where there is this symptom,
// until it says what the row promises.
func (s shell) check(t *testing.T, symptom, namespace, pod string) {
	t.Helper()
	for _, row := range symptoms(t) {
		if row.Name != symptom {
			continue
		}
		eventually(t, func() string {
			out, code := s.with("NS="+cmp.Or(namespace, "none"), "POD="+pod).run(t, row.Check)
			if !readme.Holds(out, row.Says) || code > 1 {
				return fmt.Sprintf("%q: %s\ndoes not say %q, but (exit code %d)\n%s", symptom, row.Check, row.Says, code, out)
			}
			return ""
		})
		return
	}
	t.Errorf("the runbook has no row %q", symptom)
}

// symptoms are the rows of the runbook.
func symptoms(t *testing.T) []readme.Symptom {
	t.Helper()
	section, err := readme.Section(symptomsPath, "## Why is my pod not monitored?")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readme.Symptoms(section)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
