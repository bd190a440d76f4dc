package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

const workflows = ".github/workflows"

// TestWorkflows has actionlint read the workflows: their syntax, expressions, contexts, and the inputs of known actions.
func TestWorkflows(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: actionlint is built for it")
	}
	actionlint, err := build.Binary(t.Context(), "actionlint")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, workflows, "*.yaml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	// Whether this machine has shellcheck and pyflakes must not matter.
	cmd := exec.CommandContext(t.Context(), actionlint, append([]string{"-shellcheck=", "-pyflakes=", "-no-color"}, files...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var (
	makeTarget = regexp.MustCompile(`\bmake ([a-z-]+)`)
	target     = regexp.MustCompile(`(?m)^([a-z-]+):.*## `)
)

// TestWorkflowsRunTargets holds that what the workflows run runs elsewhere too: targets of the Makefile that exist, and few
// lines that are none.
func TestWorkflowsRunTargets(t *testing.T) {
	var targets []string
	for _, m := range target.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets = append(targets, m[1])
	}
	entries, err := os.ReadDir(filepath.Join(root, workflows))
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]int{}
	for _, e := range entries {
		var workflow struct {
			Jobs map[string]struct{ Steps []struct{ Run string } }
		}
		if err := yaml.Unmarshal([]byte(read(t, filepath.Join(workflows, e.Name()))), &workflow); err != nil {
			t.Fatal(err)
		}
		for name, job := range workflow.Jobs {
			for _, step := range job.Steps {
				called := makeTarget.FindAllStringSubmatch(step.Run, -1)
				for _, m := range called {
					if !slices.Contains(targets, m[1]) {
						t.Errorf("%s, job %s runs make %s, which the Makefile does not have", e.Name(), name, m[1])
					}
				}
				if step.Run != "" && len(called) == 0 {
					own[e.Name()+" "+strings.Fields(step.Run)[0]]++
				}
			}
		}
	}
	// git has to trust the checkout, and the page of a release is GitHub's own.
	if diff := cmp.Diff(map[string]int{"release.yaml gh": 1, "test.yaml git": 1}, own); diff != "" {
		t.Errorf("commands that are no target (-want +got):\n%s", diff)
	}
}

// TestEveryModuleIsUpdated holds that the weekly update knows each go.mod, but those whose versions are the point.
func TestEveryModuleIsUpdated(t *testing.T) {
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "*go.mod")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skipf("this is no git checkout: %v", err)
	}
	var want []string
	for _, file := range strings.Fields(string(out)) {
		if dir := filepath.Dir(file); !strings.HasPrefix(dir, "test/cluster/components/kubernetes-") && !strings.Contains(dir, "testdata") {
			want = append(want, strings.TrimSuffix("/"+strings.TrimPrefix(dir, "."), "/"))
		}
	}
	var config struct {
		Updates []struct {
			Ecosystem   string `json:"package-ecosystem"`
			Directories []string
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/dependabot.yml")), &config); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, dir := range config.Updates[0].Directories {
		got = append(got, strings.TrimSuffix(dir, "/"))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("folders in dependabot.yml (-modules +listed):\n%s", diff)
	}
}
