package image

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
)

// addLibraries adds the shared libraries and the loader that the tree's programs need: those that
// no package brought are this machine's.
func (r *Rootfs) addLibraries() error {
	var queue []string
	for name := range r.entries {
		queue = append(queue, name)
	}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		added, err := r.addNeeds(name, r.entries[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		queue = append(queue, added...)
	}
	return nil
}

// addNeeds adds what the program or library at name needs and the tree lacks.
func (r *Rootfs) addNeeds(name string, e entry) (added []string, err error) {
	if !e.mode.IsRegular() || e.source == "" {
		return nil, nil
	}
	f, err := elf.Open(e.source)
	if err != nil {
		return nil, nil // a script, a configuration file ...
	}
	defer f.Close()
	if loader := interpreter(f); loader != "" && !r.has(loader) {
		r.Copy(loader, 0o755, loader)
		added = append(added, loader)
	}
	needed, err := f.ImportedLibraries()
	if err != nil {
		return nil, fmt.Errorf("read needed libraries: %w", err)
	}
	dirs := libraryDirs(f, path.Dir(name))
	for _, lib := range needed {
		if r.hasLibrary(dirs, lib) {
			continue
		}
		at := onThisMachine(dirs, lib)
		if at == "" {
			return nil, fmt.Errorf("needs %s, which neither the image's packages nor this machine have: add its Debian package to the image", lib)
		}
		r.Copy(at, 0o755, at)
		added = append(added, at)
	}
	return added, nil
}

func (r *Rootfs) hasLibrary(dirs []string, lib string) bool {
	for _, dir := range dirs {
		if r.has(path.Join(dir, lib)) {
			return true
		}
	}
	return false
}

func onThisMachine(dirs []string, lib string) string {
	for _, dir := range dirs {
		at := path.Join(dir, lib)
		if info, err := os.Stat(at); err == nil && info.Mode()&fs.ModeType == 0 {
			return at
		}
	}
	return ""
}

// libraryDirs is where the loader looks for the libraries of the program f, which lies in origin.
func libraryDirs(f *elf.File, origin string) []string {
	var dirs []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		lists, err := f.DynString(tag)
		if err != nil {
			continue
		}
		for _, list := range lists {
			for dir := range strings.SplitSeq(list, ":") {
				dirs = append(dirs, path.Clean(strings.ReplaceAll(dir, "$ORIGIN", origin)))
			}
		}
	}
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	return append(dirs, path.Join("/lib", triplet), path.Join("/usr/lib", triplet), "/lib", "/usr/lib", "/lib64")
}

// interpreter is the loader that the program names; a library names none.
func interpreter(f *elf.File) string {
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		data := make([]byte, p.Filesz)
		if _, err := p.ReadAt(data, 0); err != nil {
			return ""
		}
		return strings.TrimRight(string(data), "\x00")
	}
	return ""
}
