package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// complete copies the modules of the batch that lack files into scratch, adds these, and returns the path of a go.mod
// that takes the copies, or "" where nothing is lacking. The modules' own folders cannot be written to, and the go
// command lays no files over them.
func (b *batch) complete(ctx context.Context, scratch string) (string, error) {
	var replace string
	for i, t := range b.targets {
		c := t.component
		if c.Lacking == nil {
			continue
		}
		source, err := Source(ctx, c.Name)
		if err != nil {
			return "", err
		}
		to := filepath.Join(scratch, fmt.Sprintf("module-%d", i))
		if err := copyModule(source, to, c.Lacking); err != nil {
			return "", fmt.Errorf("add to %s what it lacks: %w", c.Module, err)
		}
		replace += fmt.Sprintf("\nreplace %s => %s\n", c.Module, to)
	}
	if replace == "" {
		return "", nil
	}
	for name, more := range map[string]string{"go.mod": replace, "go.sum": ""} {
		data, err := os.ReadFile(filepath.Join(b.dir, name))
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(scratch, name), append(data, more...), 0o644); err != nil {
			return "", fmt.Errorf("write %s: %w", name, err)
		}
	}
	return filepath.Join(scratch, "go.mod"), nil
}

// copyModule copies a module's folder and adds files to it, by their path in it.
func copyModule(from, to string, files map[string]string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
