// Package image makes the images of the test cluster: Go programs, Debian's servers and tools.
//
// # Decisions
//
// There is no registry within reach, so an image is written as an archive and imported. It bears
// the name that manifests in the wild use, which need no change then. Each image is a line of
// data; its archive is named by a hash of everything it is made from and written once.
// Docker and buildah are not needed: a layer is a tar, and a configuration is a short JSON file.
// Base is what every cluster starts with; Workloads are loaded by who needs them. An exporter bears
// the tag that the catalog pins even where only another version of its program can be had: the
// alternative was a test that changes the manifests it tests. Image.Actual says so.
package image

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/cache"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// format changes whenever the same Image would be written differently than before.
const format = "1"

// Image says what an image is made of.
type Image struct {
	Repository string
	// Tag is the image's tag. With a Component it may be empty: Tagged then makes it from the
	// component's version; nil takes the version as it is.
	Tag    string
	Tagged func(version string) string `json:"-"`
	// Actual is the version of the program where it is not the one that the tag says.
	Actual string `json:",omitempty"`

	Component string // a program of the build package
	Main      string // or a main package of this project
	At        string // where that program goes
	// Others are further programs of the build package, by where they go.
	Others map[string]string `json:",omitempty"`

	Debian  []string          // packages; shared libraries they lack are this machine's
	Skip    []string          `json:",omitempty"` // paths that the packages have and the image does not
	Busybox bool              // a shell and the usual commands
	Folders map[string]Folder // by path
	Files   map[string]string // contents by path; a script's is executable
	Links   map[string]string // targets of symbolic links by path
	Trees   map[string]string // folders of the cache by path in the image; left out where there is none
	Account Account           // a user that programs look up by name

	Config Config
}

// Folder is an empty folder that an image has.
type Folder struct {
	Perm  fs.FileMode
	Owner int // user and group
}

// Archive is an image written to a file.
type Archive struct {
	Name string // the image's, with its tag
	Path string
	Key  string // changes with the image's content
}

// Name returns the image's full name with its tag.
func (i Image) Name(ctx context.Context) (string, error) {
	if i.Tag != "" {
		return i.Repository + ":" + i.Tag, nil
	}
	version, err := build.Version(ctx, i.Component)
	if err != nil {
		return "", err
	}
	if i.Tagged != nil {
		version = i.Tagged(version)
	}
	return i.Repository + ":" + version, nil
}

// Archive returns the image's archive and writes it where the cache lacks it.
func (i Image) Archive(ctx context.Context) (Archive, error) {
	name, err := i.Name(ctx)
	if err != nil {
		return Archive{}, err
	}
	program, err := i.program(ctx)
	if err != nil {
		return Archive{}, err
	}
	others, err := build.All(ctx, slices.Sorted(maps.Values(i.Others))...)
	if err != nil {
		return Archive{}, err
	}
	unlock, err := cache.Lock(ctx, "images")
	if err != nil {
		return Archive{}, err
	}
	defer unlock()
	debs, err := i.debs(ctx)
	if err != nil {
		return Archive{}, err
	}
	key, err := i.key(name, program, others, debs)
	if err != nil {
		return Archive{}, err
	}
	dir, err := cache.Dir("images")
	if err != nil {
		return Archive{}, err
	}
	short := filepath.Base(i.Repository)
	a := Archive{Name: name, Key: key, Path: filepath.Join(dir, short+"-"+key+".tar")}
	if _, err := os.Stat(a.Path); err == nil {
		return a, nil
	}
	defer progress.Start(ctx, "write image %s", name)()
	root, err := i.rootfs(ctx, program, others, debs)
	if err != nil {
		return Archive{}, fmt.Errorf("make image %s: %w", name, err)
	}
	if err := writeFile(a.Path, name, i.Config, root); err != nil {
		return Archive{}, fmt.Errorf("make image %s: %w", name, err)
	}
	cache.Prune(dir, short+"-"+strings.Repeat("[0-9a-f]", 20)+".tar", 2)
	return a, nil
}

// program builds the image's program, if it has one, and returns its path.
func (i Image) program(ctx context.Context) (string, error) {
	switch {
	case i.Component != "":
		return build.Binary(ctx, i.Component)
	case i.Main != "":
		return build.Main(ctx, i.Main)
	default:
		return "", nil
	}
}

// components are the programs of the build package that the image has.
func (i Image) components() []string {
	names := slices.Sorted(maps.Values(i.Others))
	if i.Component != "" {
		names = append(names, i.Component)
	}
	return names
}

func (i Image) debs(ctx context.Context) ([]deb, error) {
	packages := slices.Clone(i.Debian)
	if i.Busybox {
		packages = append(packages, busyboxPackage)
	}
	var debs []deb
	for _, name := range packages {
		d, err := fetchDeb(ctx, name)
		if err != nil {
			return nil, err
		}
		debs = append(debs, d)
	}
	return debs, nil
}

// rootfs lays out the image's tree.
func (i Image) rootfs(ctx context.Context, program string, others map[string]string, debs []deb) (*Rootfs, error) {
	root := NewRootfs()
	root.Folder("/tmp", fs.ModeSticky|0o777, 0)
	root.File("/etc/passwd", 0o644, []byte(i.Account.passwd()))
	root.File("/etc/group", 0o644, []byte(i.Account.group()))
	for _, d := range debs {
		skip := func(path string) bool { return isUnneeded(path) || slices.Contains(i.Skip, path) }
		if err := root.Tree("/", d.dir, skip); err != nil {
			return nil, err
		}
	}
	if i.Busybox {
		if err := addBusybox(ctx, root, debs[len(debs)-1]); err != nil {
			return nil, err
		}
	}
	if len(i.Debian) > 0 {
		if err := root.addLibraries(); err != nil {
			return nil, err
		}
	}
	if program != "" {
		root.Copy(i.At, 0o755, program)
	}
	for at, name := range i.Others {
		root.Copy(at, 0o755, others[name])
	}
	for at, folder := range i.Trees {
		if dir, found := tree(folder); found {
			if err := root.Tree(at, dir, nil); err != nil {
				return nil, err
			}
		}
	}
	for at, f := range i.Folders {
		root.Folder(at, f.Perm, f.Owner)
	}
	for at, content := range i.Files {
		perm := fs.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			perm = 0o755
		}
		root.File(at, perm, []byte(content))
	}
	for at, target := range i.Links {
		root.Link(at, target)
	}
	return root, nil
}

func writeFile(path, name string, config Config, root *Rootfs) error {
	f, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := Write(f, name, config, root); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// addBusybox links each of busybox' commands that the image's packages do not bring.
func addBusybox(ctx context.Context, root *Rootfs, d deb) error {
	out, err := exec.CommandContext(ctx, filepath.Join(d.dir, "bin", "busybox"), "--list").Output()
	if err != nil {
		return fmt.Errorf("list the commands of busybox: %w", err)
	}
	for _, name := range strings.Fields(string(out)) {
		if !root.has("/bin/"+name) && !root.has("/usr/bin/"+name) {
			root.Link("/bin/"+name, "busybox")
		}
	}
	return nil
}
