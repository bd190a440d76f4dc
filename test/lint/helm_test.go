package lint_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

const chart = "../../charts/outrider"

// helms are Helm 3 and Helm 4 themselves.
var helms = []string{"helm-3", "helm-4"}

// helm runs one of them, without anything of the user's.
func helm(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	path, err := build.Binary(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+t.TempDir(), "HELM_CONFIG_HOME="+t.TempDir(), "HELM_DATA_HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Both lint the chart with each preset, and take a warning for an error.
func TestHelmLints(t *testing.T) {
	presets, err := filepath.Glob(chart + "/ci/*-values.yaml")
	if err != nil || len(presets) == 0 {
		t.Fatalf("find presets: %v, %v", presets, err)
	}
	for _, name := range helms {
		args := []string{"lint", "--strict", "--kube-version", "1.37.0", chart}
		for _, preset := range presets {
			if out, err := helm(t, name, append(args, "--values", preset)...); err != nil {
				t.Errorf("%s lint --values %s: %v\n%s", name, preset, err, out)
			}
		}
	}
}

// Both make the same of values: the same objects, in an order of their own, or the same refusal.
func TestHelmsAgree(t *testing.T) {
	files, err := filepath.Glob("../../charts/testdata/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("find values: %v, %v", files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		documents := strings.Split(string(data), "\n---\n")
		for i, document := range documents {
			says, refused := strings.CutPrefix(strings.Split(document, "\n")[1], "# refused: ")
			// Of a file of many, those in which Helm itself could differ: a null that takes a default away, a schema.
			if len(documents) > 1 && !refused && !strings.Contains(document, "null") {
				continue
			}
			t.Run(fmt.Sprintf("%s-%d", strings.TrimSuffix(filepath.Base(file), ".yaml"), i), func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "values.yaml")
				if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
					t.Fatal(err)
				}
				var made [][]string
				for _, name := range helms {
					out, err := helm(t, name, "template", "o", chart, "--namespace", "outrider", "--kube-version", "1.37.0", "--values", file)
					if refused != (err != nil) || refused && !strings.Contains(out, says) {
						t.Errorf("%s: %v, refused should be %v (%s)\n%.2000s", name, err, refused, says, out)
					}
					var documents []string
					for document := range strings.SplitSeq("\n"+out, "\n---\n") {
						documents = append(documents, strings.TrimSpace(document))
					}
					slices.Sort(documents)
					made = append(made, documents)
				}
				if diff := cmp.Diff(made[0], made[1]); !refused && diff != "" {
					t.Errorf("(-%s +%s):\n%.2000s", helms[0], helms[1], diff)
				}
			})
		}
	}
}
