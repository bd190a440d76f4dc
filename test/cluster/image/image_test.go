package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func testRootfs(t *testing.T) *Rootfs {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "f"), []byte("from disk"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "skipped"), nil, 0o640); err != nil {
		t.Fatal(err)
	}
	root := NewRootfs()
	if err := root.Tree("/opt", dir, func(p string) bool { return p == "/opt/skipped" }); err != nil {
		t.Fatal(err)
	}
	root.Folder("/data", 0o777, 999)
	root.File("/etc/x", 0o644, []byte("x"))
	root.Link("/bin/sh", "busybox")
	return root
}

func TestWriteIsDeterministic(t *testing.T) {
	var a, b bytes.Buffer
	for _, w := range []io.Writer{&a, &b} {
		if err := Write(w, "example.com/x:1", Config{User: "1"}, testRootfs(t)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same image was written as different bytes")
	}
}

func TestWriteContent(t *testing.T) {
	var archive bytes.Buffer
	config := Config{Entrypoint: []string{"/x"}, User: "65532:65532"}
	if err := Write(&archive, "example.com/x:1", config, testRootfs(t)); err != nil {
		t.Fatal(err)
	}
	parts := untar(t, &archive)
	var manifest []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal([]byte(parts["manifest.json"]), &manifest); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"example.com/x:1"}, manifest[0].RepoTags); diff != "" {
		t.Error(diff)
	}
	var doc document
	if err := json.Unmarshal([]byte(parts[manifest[0].Config]), &doc); err != nil {
		t.Fatal(err)
	}
	config.Env = []string{defaultPath}
	if diff := cmp.Diff(config, doc.Config); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{
		"./": "drwxr-xr-x 0", "./bin/": "drwxr-xr-x 0", "./bin/sh": "-> busybox", "./data/": "drwxrwxrwx 999", "./etc/": "drwxr-xr-x 0",
		"./etc/x": "x", "./opt/": "drwxr-xr-x 0", "./opt/sub/": "drwxr-xr-x 0", "./opt/sub/f": "from disk",
	}
	if diff := cmp.Diff(want, untar(t, strings.NewReader(parts["layer.tar"]))); diff != "" {
		t.Error(diff)
	}
}

// untar returns each entry's content, a folder's mode and owner, or a link's target.
func untar(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	found := map[string]string{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			found[h.Name] = h.FileInfo().Mode().String() + " " + map[int]string{0: "0", 999: "999"}[h.Uid]
		case tar.TypeSymlink:
			found[h.Name] = "-> " + h.Linkname
		default:
			found[h.Name] = string(data)
		}
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, i := range All() {
		name, err := i.Name(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seen[i.Repository] {
			t.Errorf("%s is listed twice", i.Repository)
		}
		seen[i.Repository] = true
		if _, tag, ok := strings.Cut(name, ":"); !ok || tag == "" {
			t.Errorf("%s has no tag", name)
		}
	}
	pause, err := Find("pause")
	if err != nil {
		t.Fatal(err)
	}
	if name, _ := pause.Name(t.Context()); name != Pause {
		t.Errorf("pause is %s, but containerd is configured with %s", name, Pause)
	}
}

func TestKeyFollowsWhatTheImageIsMadeOf(t *testing.T) {
	program := filepath.Join(t.TempDir(), "p")
	key := func(i Image, content string) string {
		t.Helper()
		if err := os.WriteFile(program, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		k, err := i.key("x:1", program, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	one := Image{Main: "./x", At: "/x"}
	if key(one, "a") != key(one, "a") {
		t.Error("the same image has two keys")
	}
	if key(one, "a") == key(one, "b") {
		t.Error("another program has the same key")
	}
	two := one
	two.Config.User = "1"
	if key(one, "a") == key(two, "a") {
		t.Error("another configuration has the same key")
	}
}
