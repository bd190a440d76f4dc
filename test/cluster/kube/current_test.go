package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outrider-dev/outrider/test/cluster/image"
)

func kubeconfig(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: " + name + "\nclusters: [{name: c, cluster: {server: 'https://192.0.2.1:6443'}}]\n" +
		"contexts: [{name: " + name + ", context: {cluster: c, user: u}}]\nusers: [{name: u, user: {}}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", path)
}

// TestCurrent holds which contexts are taken, and what brings images there.
func TestCurrent(t *testing.T) {
	for name, tc := range map[string]struct{ context, environment, loading, refusal string }{
		"kind":         {"kind-dev", "current", "load our image with kind dev", ""},
		"k3d":          {"k3d-dev", "current", "load our image with k3d dev", ""},
		"minikube":     {"minikube", "current", "load our image with minikube minikube", ""},
		"desktop":      {"docker-desktop", "current", "load our image with docker", ""},
		"profile":      {"kind-dev", "current,minikube=other", "load our image with minikube other", ""},
		"production":   {"prod-eu", "current", "", "does not look like a cluster to throw away; if it is one: CLUSTER=current,disposable"},
		"no way":       {"prod-eu", "current,disposable", "", "how do images get there?"},
		"way alone":    {"prod-eu", "current,pull", "", "does not look like a cluster to throw away"},
		"told":         {"admin@lab", "current,disposable,ctr=/run/c.sock", "load our image with ctr /run/c.sock", ""},
		"registry":     {"admin@lab", "current,disposable,registry=10.0.0.1:5000/me", "push our image to 10.0.0.1:5000/me", ""},
		"misspelled":   {"kind-dev", "current,disposible", "", `unknown option "disposible"`},
		"no argument":  {"kind-dev", "current,ctr", "", "ctr needs an argument"},
		"looks like k": {"kindergarten", "current", "", "does not look like"},
	} {
		t.Run(name, func(t *testing.T) {
			kubeconfig(t, tc.context)
			t.Setenv(Environment, tc.environment)
			c, err := FindCurrent()
			if err == nil {
				err = c.Refusal()
			}
			if (err == nil) != (tc.refusal == "") || err != nil && !strings.Contains(err.Error(), tc.refusal) {
				t.Errorf("%v, want %q", err, tc.refusal)
			}
			if err == nil && c.Loading() != tc.loading {
				t.Errorf("loading %q, want %q", c.Loading(), tc.loading)
			}
		})
	}
}

// TestLoad holds what the tools are called with, by tools that write it down.
func TestLoad(t *testing.T) {
	for loader, want := range map[string]string{
		"kind=dev": "kind load image-archive A --name dev", "minikube=p": "minikube image load A --profile p", "k3d=dev": "k3d image import A --cluster dev",
		"docker": "docker load --input A", "ctr=/run/c.sock": "ctr --address /run/c.sock --namespace k8s.io images import --local A",
	} {
		bin := t.TempDir()
		name, _, _ := strings.Cut(loader, "=")
		script := "#!/bin/sh\necho \"$(basename \"$0\") $*\" >" + bin + "/said\n"
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
		kubeconfig(t, "lab")
		t.Setenv(Environment, "current,disposable,"+loader)
		c, err := FindCurrent()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.loadArchive(t.Context(), image.Archive{Name: "x:1", Path: "A"}); err != nil {
			t.Fatal(err)
		}
		said, err := os.ReadFile(filepath.Join(bin, "said"))
		if diff := cmp.Diff(want+"\n", string(said)); diff != "" || err != nil {
			t.Errorf("%s (-want +called): %v\n%s", loader, err, diff)
		}
	}
}
