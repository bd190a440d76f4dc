package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Rootfs is the file tree of an image. It names what goes in and reads it when it is written, so
// nothing is copied, and needs no root to give a file any owner.
type Rootfs struct{ entries map[string]entry }

type entry struct {
	mode   fs.FileMode // type and permissions
	owner  int         // user and group
	data   []byte      // a file's content, unless it has a source
	source string      // the file on this machine that has the content
	link   string      // a symbolic link's target
}

// NewRootfs returns a tree of nothing but its root.
func NewRootfs() *Rootfs {
	return &Rootfs{entries: map[string]entry{"/": {mode: fs.ModeDir | 0o755}}}
}

// Folder adds a folder of this owner. The bits of perm are those of chmod, sticky bit included.
func (r *Rootfs) Folder(name string, perm fs.FileMode, owner int) {
	r.add(name, entry{mode: fs.ModeDir | perm, owner: owner})
}

// File adds a file with this content.
func (r *Rootfs) File(name string, perm fs.FileMode, data []byte) {
	r.add(name, entry{mode: perm, data: data})
}

// Copy adds the file source of this machine, following symbolic links.
func (r *Rootfs) Copy(name string, perm fs.FileMode, source string) {
	r.add(name, entry{mode: perm, source: source})
}

// Link adds a symbolic link.
func (r *Rootfs) Link(name, target string) {
	r.add(name, entry{mode: fs.ModeSymlink | 0o777, link: target})
}

// Tree adds what is in the folder dir of this machine below the folder name, as root's, but for
// the paths that skip holds true.
func (r *Rootfs) Tree(name, dir string, skip func(path string) bool) error {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil || rel == "." {
			return err
		}
		at := path.Join(name, filepath.ToSlash(rel))
		if skip != nil && skip(at) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode.IsDir():
			r.Folder(at, mode&(fs.ModePerm|fs.ModeSticky), 0)
		case mode.IsRegular():
			r.Copy(at, mode.Perm(), p)
		case mode&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			r.Link(at, target)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add folder %s: %w", dir, err)
	}
	return nil
}

func (r *Rootfs) has(name string) bool {
	_, ok := r.entries[path.Clean("/"+name)]
	return ok
}

func (r *Rootfs) add(name string, e entry) {
	name = path.Clean("/" + name)
	r.entries[name] = e
	for up := path.Dir(name); !r.has(up); up = path.Dir(up) {
		r.entries[up] = entry{mode: fs.ModeDir | 0o755}
	}
}

// WriteTar writes the tree as a tar: the same tree is always the same bytes.
func (r *Rootfs) WriteTar(w io.Writer) error {
	names := make([]string, 0, len(r.entries))
	for name := range r.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	out := tar.NewWriter(w)
	for _, name := range names {
		if err := r.entries[name].write(out, "."+name); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("end layer: %w", err)
	}
	return nil
}

func (e entry) write(out *tar.Writer, name string) error {
	h := &tar.Header{Name: name, Mode: int64(e.mode.Perm()), Uid: e.owner, Gid: e.owner, ModTime: time.Unix(0, 0)}
	if e.mode&fs.ModeSticky != 0 {
		h.Mode |= 0o1000
	}
	var content io.Reader = bytes.NewReader(e.data)
	switch {
	case e.mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, strings.TrimSuffix(name, "/")+"/"
	case e.link != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
	case e.source != "":
		f, err := os.Open(e.source)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		h.Typeflag, h.Size, content = tar.TypeReg, info.Size(), f
	default:
		h.Typeflag, h.Size = tar.TypeReg, int64(len(e.data))
	}
	if err := out.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	_, err := io.Copy(out, content)
	return err
}
