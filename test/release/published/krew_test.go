package published_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// testKrew has krew check the manifest and install the archive, as kubectl krew install does.
func (p *published) testKrew(t *testing.T) {
	dir := t.TempDir()
	manifest := filepath.Join(dir, "outrider.yaml") // a manifest bears the plugin's name
	raw, err := os.ReadFile(filepath.Join(p.dist, "outrider.krew.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, dir, nil, p.bin["validate-krew-manifest"], "-manifest", manifest, "-skip-install")
	env := []string{"KREW_ROOT=" + dir}
	do(t, dir, env, p.bin["krew"], "install", "--manifest", manifest, "--archive", p.archive())
	if said := do(t, dir, env, filepath.Join(dir, "bin", "kubectl-outrider"), "version"); !strings.HasPrefix(said, "outrider "+p.version+" ") {
		t.Errorf("kubectl outrider version says %q", said)
	}
}

// archive is the command line's for this machine.
func (p *published) archive() string {
	return filepath.Join(p.dist, "outrider_"+p.version+"_"+runtime.GOOS+"_"+runtime.GOARCH+".tar.gz")
}
