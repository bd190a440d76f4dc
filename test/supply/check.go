package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// verify has the go command compare the modules that it keeps with go.sum.
func (s *supply) verify(ctx context.Context) (string, error) {
	if _, err := goCommand(ctx, s.root, nil, "mod", "download"); err != nil {
		return "", err
	}
	out, err := goCommand(ctx, s.root, nil, "mod", "verify")
	return strings.TrimSpace(out), err
}

// reproduce builds each program twice, the second time from a copy of the source in another folder.
func (s *supply) reproduce(ctx context.Context) (string, error) {
	temp, err := os.MkdirTemp("", "outrider-supply-")
	if err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(temp)
	elsewhere, env := filepath.Join(temp, "source"), []string(nil)
	if s.cold {
		env = []string{"GOCACHE=" + filepath.Join(temp, "cache")}
	}
	if err := copySource(s.root, elsewhere); err != nil {
		return "", err
	}
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return "", fmt.Errorf("make %s: %w", s.out, err)
	}
	var figures []string
	for _, name := range programs {
		here, there := filepath.Join(s.out, name), filepath.Join(temp, name)
		if err := s.build(ctx, s.root, nil, name, here); err != nil {
			return "", err
		}
		if err := s.build(ctx, elsewhere, env, name, there); err != nil {
			return "", err
		}
		first, size, err := sum(here)
		if err != nil {
			return "", err
		}
		second, _, err := sum(there)
		if err != nil {
			return "", err
		}
		if first != second {
			return "", fmt.Errorf("%s: sha256 %s here, %s from another folder", name, first, second)
		}
		figures = append(figures, fmt.Sprintf("%s %.1f MB sha256 %s", name, float64(size)/1e6, first))
	}
	return strings.Join(figures, ", "), nil
}

// build builds a program as the Dockerfile does.
func (s *supply) build(ctx context.Context, dir string, env []string, name, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", filepath.Join(dir, "cmd", "build.sh"), name, out)
	cmd.Env = append(append(os.Environ(), "VERSION="+s.version), env...)
	if log, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, log)
	}
	return nil
}

// bills has the licenses listed and the bills of materials written, twice.
func (s *supply) bills(ctx context.Context) (string, error) {
	again, err := os.MkdirTemp("", "outrider-supply-")
	if err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(again)
	var listed string
	for _, out := range []string{s.out, again} {
		args := []string{"run", ".", "-root", s.root, "-version", s.version, "-out", out}
		for _, name := range programs {
			args = append(args, filepath.Join(s.out, name))
		}
		if listed, err = goCommand(ctx, filepath.Join(s.root, "test", "supply", "bom"), nil, args...); err != nil {
			return "", fmt.Errorf("%w\n%s", err, listed)
		}
	}
	fmt.Print(listed)
	for _, name := range programs {
		first, _, err := sum(filepath.Join(s.out, name+".cdx.json"))
		if err != nil {
			return "", err
		}
		second, _, err := sum(filepath.Join(again, name+".cdx.json"))
		if err != nil {
			return "", err
		}
		if first != second {
			return "", fmt.Errorf("%s.cdx.json: written twice, it has other bytes", name)
		}
	}
	return fmt.Sprintf("%d modules; %s/*.cdx.json", strings.Count(listed, "\n"), s.out), nil
}

// scan has govulncheck, as pinned in the project at root, hold packages of the module in dir against a database. It
// follows calls: what is found is reached by the program.
func scan(ctx context.Context, root, dir, db string, packages ...string) (string, error) {
	if err := reachable(ctx, db); err != nil {
		return "", notHere{fmt.Errorf("ask the vulnerability database: %w; name a copy by -db file:///…", err)}
	}
	tool, err := goCommand(ctx, root, nil, "tool", "-n", "-modfile="+filepath.Join(root, "test", "tools", "go.mod"), "govulncheck")
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, strings.TrimSpace(tool), append([]string{"-db", db}, packages...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	// It was seen to list what is reached, without the trace, and to end well.
	if bytes.Contains(out, []byte("Vulnerability #")) {
		return "", fmt.Errorf("%s: it lists a vulnerability\n%s", cmd, out)
	}
	return strings.Join(strings.Fields(string(out)), " ") + " (" + db + ")", nil
}

// reachable asks for the first file that every such database has.
func reachable(ctx context.Context, db string) error {
	at, err := url.Parse(strings.TrimSuffix(db, "/") + "/index/db.json")
	if err != nil {
		return err
	}
	if at.Scheme == "file" {
		_, err := os.Stat(at.Path)
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", at, response.Status)
	}
	return nil
}

// copySource copies what the Dockerfile gives the build.
func copySource(from, to string) error {
	for _, dir := range []string{"cmd", "sidecars", "webhook", "discovery", "certs", "charts"} {
		if err := os.CopyFS(filepath.Join(to, dir), os.DirFS(filepath.Join(from, dir))); err != nil {
			return fmt.Errorf("copy the source: %w", err)
		}
	}
	for _, f := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(from, f))
		if err != nil {
			return fmt.Errorf("copy the source: %w", err)
		}
		if err := os.WriteFile(filepath.Join(to, f), data, 0o644); err != nil {
			return fmt.Errorf("copy the source: %w", err)
		}
	}
	return nil
}

// sum is a file's SHA-256 and its size in bytes.
func sum(path string) (string, int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", 0, err
	}
	hash := sha256.Sum256(data)
	return hex.EncodeToString(hash[:]), len(data), nil
}

func goCommand(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off"), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w\n%s", cmd, err, stderr.String())
	}
	return string(out), nil
}
