package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// configured is a server that takes every configuration but the word bad.
type configured struct {
	file     string
	password string
	loads    int
	current  string
}

func (c *configured) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, password, _ := r.BasicAuth(); password != c.password {
		http.Error(w, "who are you", http.StatusUnauthorized)
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/-/reload" {
		http.Error(w, "not that way", http.StatusMethodNotAllowed)
		return
	}
	c.loads++
	content, _ := os.ReadFile(c.file)
	if string(content) == "bad" {
		http.Error(w, "yaml: line 1: bad", http.StatusInternalServerError)
		return
	}
	c.current = string(content)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alertmanager.yaml")
	server := &configured{file: file}
	s := httptest.NewTLSServer(server)
	defer s.Close()
	r := &reloader{Files: []string{file}, URL: s.URL + "/-/reload", log: logr.Discard()}
	for _, step := range []struct {
		content, err, current string
		loads                 int
	}{
		{"one", "", "one", 1},
		{"one", "", "one", 1}, // nothing new, nothing said
		{"two", "", "two", 2},
		{"bad", "the server keeps its old configuration: yaml: line 1: bad", "two", 3},
		{"bad", "", "two", 3}, // it has refused that
		{"two", "", "two", 4}, // and takes back what it had
	} {
		write(t, file, step.content)
		err := r.look(t.Context())
		if step.err == "" && err != nil || step.err != "" && (err == nil || !strings.Contains(err.Error(), step.err)) {
			t.Errorf("%s: %v, want %q", step.content, err, step.err)
		}
		if server.current != step.current || server.loads != step.loads {
			t.Errorf("%s: the server has %q after %d reloads, want %q after %d", step.content, server.current, server.loads, step.current, step.loads)
		}
	}
}

// A folder is one configuration: what a kubelet keeps beside its files is no part of it.
func TestReloadOfAFolder(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "a.yaml")
	server := &configured{file: file}
	s := httptest.NewServer(server)
	defer s.Close()
	r := &reloader{Files: []string{folder}, URL: s.URL + "/-/reload", log: logr.Discard()}
	for i, step := range []struct {
		name  string
		loads int
	}{{"a.yaml", 1}, {"b.yaml", 2}, {"..data", 2}, {"a.yaml", 3}} {
		write(t, filepath.Join(folder, step.name), strings.Repeat("x", i))
		if err := r.look(t.Context()); err != nil || server.loads != step.loads {
			t.Errorf("after %s: %v, %d reloads, want %d", step.name, err, server.loads, step.loads)
		}
	}
}

// Whatever stands in the way of the request passes, and the request is made again.
func TestReloadTriesAgain(t *testing.T) {
	file, password := filepath.Join(t.TempDir(), "alertmanager.yaml"), filepath.Join(t.TempDir(), "password")
	server := &configured{file: file, password: "hunter2"}
	s := httptest.NewServer(server)
	defer s.Close()
	r := &reloader{Files: []string{file}, URL: "http://127.0.0.1:1/-/reload", User: "outrider", PasswordFile: password, log: logr.Discard()}
	if err := r.look(t.Context()); err == nil || !strings.Contains(err.Error(), "read configuration") {
		t.Errorf("no file: %v", err)
	}
	write(t, file, "one")
	write(t, password, "hunter1\n")
	if err := r.look(t.Context()); err == nil {
		t.Error("nobody listens, and all is well")
	}
	r.URL = s.URL + "/-/reload"
	if err := r.look(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("wrong password: %v", err)
	}
	write(t, password, "hunter2\n")
	if err := r.look(t.Context()); err != nil || server.current != "one" {
		t.Errorf("%v, the server has %q", err, server.current)
	}
}

func TestReloadRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alertmanager.yaml")
	write(t, file, "one")
	loaded := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { loaded <- struct{}{} }))
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- runReload(ctx, []string{"--file=" + file, "--url=" + s.URL, "--interval=5ms"}, logr.Discard())
	}()
	for _, content := range []string{"two", "three"} {
		select {
		case <-loaded:
		case <-time.After(30 * time.Second):
			t.Fatalf("no reload before %s", content)
		}
		write(t, file, content)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := runReload(t.Context(), []string{"--file=" + file}, logr.Discard()); err == nil {
		t.Error("there is no address, and nobody says so")
	}
}
