package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"

	helmrelease "github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

const maxMB = 40

// here are the arguments for a release for this machine alone.
func here(out string) []string {
	arch := runtime.GOOS + "/" + runtime.GOARCH
	return []string{"-out", out, "-cli", arch, "-image", "linux/" + runtime.GOARCH, "-version", "9.8.7-test"}
}

// TestRelease makes the release of one platform twice, and looks at what is in it.
func TestRelease(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "dist"), filepath.Join(t.TempDir(), "dist")
	for _, out := range []string{first, second} {
		if err := run(t.Context(), here(out)); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("same bytes twice", func(t *testing.T) {
		if diff := cmp.Diff(sumsOf(t, first), sumsOf(t, second)); diff != "" {
			t.Errorf("two runs differ in (-first +second):\n%s", diff)
		}
	})
	t.Run("archive", func(t *testing.T) { checkArchive(t, first) })
	t.Run("image", func(t *testing.T) { checkImage(t, first) })
	t.Run("chart", func(t *testing.T) { checkChart(t, first) })
	t.Run("checksums", func(t *testing.T) {
		check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", sumsFile)
		check.Dir = first
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("provenance", func(t *testing.T) { checkProvenance(t, first) })
}

// sumsOf are the checksums of all files below a folder.
func sumsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[strings.TrimPrefix(path, dir)], err = sha256Of(path)
		}
		return err
	})
	if err != nil || len(all) < 15 {
		t.Fatalf("%d files in %s, %v", len(all), dir, err)
	}
	return all
}

func checkArchive(t *testing.T, dist string) {
	path := filepath.Join(dist, "outrider_9.8.7-test_"+runtime.GOOS+"_"+runtime.GOARCH+".tar.gz")
	files := untar(t, path)
	want := []string{
		"LICENSE", "THIRD_PARTY_LICENSES", "completion/_outrider", "completion/outrider.bash", "completion/outrider.fish", "completion/outrider.ps1",
		"helm-3/plugin.yaml", "helm-4/plugin.yaml", "kubectl_complete-outrider", "outrider",
	}
	if diff := cmp.Diff(want, names(files)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	bin := t.TempDir()
	for _, name := range []string{"kubectl-outrider", "kubectl_complete-outrider"} {
		from := strings.Replace(name, "kubectl-outrider", "outrider", 1)
		if err := os.WriteFile(filepath.Join(bin, name), files[from], 0o755); err != nil {
			t.Fatal(err)
		}
	}
	said := output(t, filepath.Join(bin, "kubectl-outrider"), "version")
	for _, word := range []string{"outrider 9.8.7-test (commit ", ":", runtime.Version()} {
		if !strings.Contains(said, word) || strings.Contains(said, "unknown") {
			t.Errorf("version prints %q, want %q in it", said, word)
		}
	}
	checkPinned(t, filepath.Join(bin, "kubectl-outrider"), layout(t, dist)[0].Digest)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if said := output(t, filepath.Join(bin, "kubectl_complete-outrider"), "expl"); !strings.HasPrefix(said, "explain\t") {
		t.Errorf("completion of kubectl outrider expl gives %q", said)
	}
	checkSize(t, "command line's archive", path)
	t.Logf("figure: the command line has %.1f MB stripped", float64(len(files["outrider"]))/1e6)
}

// checkPinned holds that the command line installs the image of its release by digest, unless a user names another tag.
func checkPinned(t *testing.T, program, digest string) {
	t.Helper()
	for set, byDigest := range map[string]bool{
		"": true, "global.imageRegistry=mirror.example": true, "controller.image.tag=mine,webhook.image.tag=mine": false,
	} {
		rendered := output(t, program, "install", "--render", "1.37", "--set", set)
		all, pinned := strings.Count(rendered, "/"+controller+":"), strings.Count(rendered, "@"+digest)
		if all < 2 || byDigest && pinned != all || !byDigest && pinned != 0 {
			t.Errorf("install --set %s names the image %d times, %d times by digest", set, all, pinned)
		}
	}
}

func checkSize(t *testing.T, what, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mb := float64(info.Size()) / 1e6; mb > maxMB {
		t.Errorf("the %s has %.1f MB, want at most %d", what, mb, maxMB)
	} else {
		t.Logf("figure: the %s has %.1f MB", what, mb)
	}
}

// descriptor is what is read of the OCI layout.
type descriptor struct {
	MediaType, Digest string
	Annotations       map[string]string
	Platform          struct{ OS, Architecture string }
	Config            *descriptor
	Layers, Manifests []descriptor
	Subject           *descriptor
}

func (d descriptor) read(t *testing.T, dist string, to any) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dist, layoutFolder, "blobs", "sha256", strings.TrimPrefix(d.Digest, "sha256:")))
	if err == nil && to != nil {
		err = json.Unmarshal(raw, to)
	}
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// checkImage holds that the image has one program, no shell, no root, and a bill of materials.
func checkImage(t *testing.T, dist string) {
	var index, image descriptor
	all := layout(t, dist)
	all[0].read(t, dist, &index)
	if index.MediaType != "application/vnd.oci.image.index.v1+json" || len(index.Manifests) != 1 {
		t.Fatalf("the layout begins with %v", index)
	}
	index.Manifests[0].read(t, dist, &image)
	var config struct {
		Architecture string
		Config       struct {
			User       string
			Entrypoint []string
			Labels     map[string]string
		}
	}
	image.Config.read(t, dist, &config)
	if config.Config.User != "65532:65532" || !slices.Equal(config.Config.Entrypoint, []string{"/outrider-controller"}) || config.Architecture != runtime.GOARCH {
		t.Errorf("configuration %+v", config)
	}
	if v := config.Config.Labels["org.opencontainers.image.version"]; v != "9.8.7-test" {
		t.Errorf("version label %q", v)
	}
	layer := filepath.Join(dist, layoutFolder, "blobs", "sha256", strings.TrimPrefix(image.Layers[0].Digest, "sha256:"))
	want := []string{"etc/", "etc/group", "etc/passwd", "licenses/", "licenses/LICENSE", "licenses/THIRD_PARTY_LICENSES", "outrider-controller", "tmp/"}
	if diff := cmp.Diff(want, names(untar(t, layer))); diff != "" || len(image.Layers) != 1 {
		t.Errorf("%d layers; files (-want +got):\n%s", len(image.Layers), diff)
	}
	checkSize(t, "image as pulled", layer)
	for _, d := range all {
		var m descriptor
		if d.read(t, dist, &m); m.Subject != nil && m.Subject.Digest == index.Manifests[0].Digest {
			return
		}
	}
	t.Error("no bill of materials refers to the image")
}

func layout(t *testing.T, dist string) []descriptor {
	t.Helper()
	var index descriptor
	raw, err := os.ReadFile(filepath.Join(dist, layoutFolder, "index.json"))
	if err == nil {
		err = json.Unmarshal(raw, &index)
	}
	if err != nil || len(index.Manifests) != 5 { // image, its bill, chart, its bill, Artifact Hub's metadata
		t.Fatalf("the layout has %d entries, %v", len(index.Manifests), err)
	}
	return index.Manifests
}

// checkChart holds that Helm loads the package, and that it names the image of this release by digest.
func checkChart(t *testing.T, dist string) {
	c, err := loader.LoadFile(filepath.Join(dist, "outrider-9.8.7-test.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil || c.Metadata.Version != "9.8.7-test" || c.Metadata.AppVersion != "9.8.7-test" {
		t.Errorf("chart %s of %s: %v", c.Metadata.Version, c.Metadata.AppVersion, err)
	}
	digest := layout(t, dist)[0].Digest
	if got := c.Metadata.Annotations[helmrelease.DigestAnnotation]; got != digest {
		t.Errorf("the chart's image has the digest %s, the release's %s", got, digest)
	}
	var images []struct{ Name, Image string }
	if err := yaml.UnmarshalStrict([]byte(c.Metadata.Annotations["artifacthub.io/images"]), &images); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(images, func(i struct{ Name, Image string }) bool { return strings.HasSuffix(i.Image, "@"+digest) }) {
		t.Errorf("none of the images has the digest %s: %v", digest, images)
	}
	var changed []change
	if err := yaml.UnmarshalStrict([]byte(c.Metadata.Annotations["artifacthub.io/changes"]), &changed); err != nil {
		t.Fatal(err)
	}
	for _, c := range changed {
		if !slices.Contains([]string{"added", "changed", "deprecated", "removed", "fixed", "security"}, c.Kind) || c.Description == "" {
			t.Errorf("Artifact Hub knows no change %v", c)
		}
	}
}

// TestChartExamples holds that the examples of the CustomResourceDefinition in Chart.yaml are Exporters that are accepted.
func TestChartExamples(t *testing.T) {
	c, err := loader.LoadDir("../../charts/outrider")
	if err != nil {
		t.Fatal(err)
	}
	var examples []v1alpha1.Exporter
	if err := yaml.UnmarshalStrict([]byte(c.Metadata.Annotations["artifacthub.io/crdsExamples"]), &examples); err != nil {
		t.Fatal(err)
	}
	if len(examples) == 0 {
		t.Error("there is no example")
	}
	for _, e := range examples {
		if _, err := sidecars.Builtin().With(e); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
	}
}

func checkProvenance(t *testing.T, dist string) {
	var statement struct {
		Subject []struct{ Digest map[string]string }
	}
	raw, err := os.ReadFile(filepath.Join(dist, provenanceFile))
	if err == nil {
		err = json.Unmarshal(raw, &statement)
	}
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, s := range statement.Subject {
		named[s.Digest["sha256"]] = true
	}
	for path, sum := range sumsOf(t, dist) {
		if !named[sum] && !strings.HasPrefix(path, "/oci/") && path != "/"+provenanceFile && path != "/"+sumsFile {
			t.Errorf("the provenance does not name %s", path)
		}
	}
	for _, d := range []descriptor{layout(t, dist)[0], layout(t, dist)[2]} {
		if !named[strings.TrimPrefix(d.Digest, "sha256:")] {
			t.Errorf("the provenance does not name %v", d.Annotations)
		}
	}
}

func untar(t *testing.T, path string) map[string][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(zip); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		var data bytes.Buffer
		if err == nil {
			_, err = data.ReadFrom(r)
		}
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = data.Bytes()
	}
}

func names(files map[string][]byte) []string {
	var all []string
	for name := range files {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}
