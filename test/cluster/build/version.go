package build

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Version returns the version, such as v1.37.2, at which the component's go.mod pins it.
func Version(ctx context.Context, name string) (string, error) {
	c, err := find(name)
	if err != nil {
		return "", err
	}
	mod, err := readModule(ctx, c)
	if err != nil {
		return "", err
	}
	return mod.version(c.Module)
}

// Source returns the folder of the named component's module, downloaded where it is missing.
func Source(ctx context.Context, name string) (string, error) {
	c, err := find(name)
	if err != nil {
		return "", err
	}
	dir, err := c.dir()
	if err != nil {
		return "", err
	}
	out, err := goCommand(ctx, dir, "mod", "download", "-json", c.Module).Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w", c.Module, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil || found.Dir == "" {
		return "", fmt.Errorf("find the source of %s: %w", c.Module, err)
	}
	return found.Dir, nil
}

// module is what `go mod edit -json` prints of a go.mod, as far as it matters here.
type module struct {
	Require []struct{ Path, Version string }
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
	Tool []struct{ Path string }
}

func readModule(ctx context.Context, c Component) (module, error) {
	dir, err := c.dir()
	if err != nil {
		return module{}, err
	}
	out, err := goCommand(ctx, dir, "mod", "edit", "-json").Output()
	if err != nil {
		return module{}, fmt.Errorf("read go.mod of %s: %w", c.Name, err)
	}
	return parseModule(out)
}

func parseModule(data []byte) (module, error) {
	var m module
	if err := json.Unmarshal(data, &m); err != nil {
		return module{}, fmt.Errorf("parse go.mod: %w", err)
	}
	return m, nil
}

func (m module) version(path string) (string, error) {
	for _, r := range m.Replace {
		if r.Old.Path == path && r.New.Version != "" {
			return r.New.Version, nil
		}
	}
	for _, r := range m.Require {
		if r.Path == path {
			return r.Version, nil
		}
	}
	return "", fmt.Errorf("go.mod requires no module %s", path)
}

func (m module) hasTool(path string) bool {
	for _, t := range m.Tool {
		if t.Path == path {
			return true
		}
	}
	return false
}

// dir is the folder of the go.mod that pins the component.
func (c Component) dir() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "test", "cluster", "components", c.Nested), nil
}

// Root returns the folder of this project's go.mod: the first one on the way up from the working
// directory, which `go test` sets to the tested package's folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project: %w", err)
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(data), "module github.com/outrider-dev/outrider\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("find the project: no go.mod of github.com/outrider-dev/outrider above the working directory")
		}
		dir = up
	}
}
