package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// program is a binary and what it is made of.
type program struct {
	name, version string
	pkg           string // import path of its main package
	sum           string // SHA-256
	parts         []part
}

// part is a module that is linked into a program. The standard library is one, called std.
type part struct {
	path, version string
	sum           string // as in go.sum; "" for the standard library
	licenses      []string
	unknown       []string // files that look like licenses and are none that is known
	texts         []notice
}

// notice is a license as its file has it.
type notice struct{ file, text string }

// read finds the modules in the binary itself, and the files of their licenses where the go command keeps them.
func read(root, path, version string) (*program, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.Read(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(raw)
	p := &program{name: filepath.Base(path), version: version, pkg: info.Path, sum: hex.EncodeToString(hash[:])}
	folders, err := packages(root, info.Path)
	if err != nil {
		return nil, err
	}
	std := part{path: "std", version: strings.TrimPrefix(info.GoVersion, "go")}
	goroot, err := output(root, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := std.license(strings.TrimSpace(goroot), nil); err != nil {
		return nil, err
	}
	p.parts = append(p.parts, std)
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		found, ok := folders[dep.Path]
		if !ok {
			return nil, fmt.Errorf("%s is linked, and no package of it is listed: build the program from this checkout", dep.Path)
		}
		m := part{path: dep.Path, version: dep.Version, sum: dep.Sum}
		if err := m.license(found.root, found.packages); err != nil {
			return nil, err
		}
		p.parts = append(p.parts, m)
	}
	slices.SortFunc(p.parts, func(a, b part) int { return strings.Compare(a.path, b.path) })
	return p, nil
}

// source is where a module's files are, and the folders of those of its packages that are linked.
type source struct {
	root     string
	packages []string
}

// packages are the modules of which the main package is made.
func packages(root, pkg string) (map[string]source, error) {
	const format = `{{with .Module}}{{if not .Main}}{{.Path}}{{"\t"}}{{.Dir}}{{"\t"}}{{$.Dir}}{{end}}{{end}}`
	out, err := output(root, "list", "-deps", "-f", format, pkg)
	if err != nil {
		return nil, err
	}
	found := map[string]source{}
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) != 3 {
			continue
		}
		s := found[fields[0]]
		s.root, s.packages = fields[1], append(s.packages, fields[2])
		found[fields[0]] = s
	}
	return found, nil
}

func output(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, stderr.String())
	}
	return string(out), nil
}

func sorted(parts map[string]part) []part {
	var all []part
	for _, path := range slices.Sorted(maps.Keys(parts)) {
		all = append(all, parts[path])
	}
	return all
}
