package image

import (
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

// TestStandIns holds the tags to what is behind them: one that is not the program's own version
// comes with a note that names it.
func TestStandIns(t *testing.T) {
	for _, i := range slices.Concat(exporters, sandboxed) {
		if !strings.HasSuffix(i.Repository, "exporter") {
			continue
		}
		if i.Component == "" {
			if i.Actual == "" {
				t.Errorf("%s is a Debian package; say in Actual of which version", i.Repository)
			}
			continue
		}
		version, err := build.Version(t.Context(), i.Component)
		if err != nil {
			t.Fatal(err)
		}
		switch same := strings.TrimPrefix(i.Tag, "v") == strings.TrimPrefix(version, "v"); {
		case i.Tag == "" && i.Actual != "":
			t.Errorf("%s has the version that its tag says; drop Actual", i.Repository)
		case i.Tag != "" && same:
			t.Errorf("%s: drop Tag and Actual, the component is of that version", i.Repository)
		case i.Tag != "" && i.Actual != version:
			t.Errorf("%s:%s contains %s; Actual says %q", i.Repository, i.Tag, version, i.Actual)
		}
	}
}

func TestBaseIsWithoutWorkloads(t *testing.T) {
	names := func(images []Image) (repositories []string) {
		for _, i := range images {
			repositories = append(repositories, i.Repository)
		}
		return repositories
	}
	for _, name := range names(Workloads()) {
		if slices.Contains(names(Base()), name) {
			t.Errorf("%s would slow down every start of the cluster", name)
		}
	}
}

func TestEntrypointsAreShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("this machine has no sh")
	}
	scripts, err := fs.Glob(entrypoints, "entrypoint/*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("found no scripts: %v", err)
	}
	for _, name := range scripts {
		if out, err := exec.CommandContext(t.Context(), sh, "-n", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
