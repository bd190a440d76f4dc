package kube

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

// State is what Status finds.
type State struct {
	Processes  []ProcessState
	Node       error  // why a node takes no pods; nil if all do
	Kubeconfig string // path
}

// ProcessState is one program of the cluster.
type ProcessState struct {
	Name  string
	PID   int // 0: it was not started
	Alive bool
	Log   string // path
}

// Running says whether every program runs and every node takes pods.
func (s State) Running() bool {
	return s.Node == nil && !slices.ContainsFunc(s.Processes, func(p ProcessState) bool { return !p.Alive })
}

// Status looks at the local cluster and changes nothing.
func Status(ctx context.Context) (State, error) {
	l, err := newLayout()
	if err != nil {
		return State{}, err
	}
	s := State{Kubeconfig: l.kubeconfig()}
	all, _ := l.processes(l.shape(), map[string]string{})
	for _, p := range all {
		r, alive := l.running(p.name)
		s.Processes = append(s.Processes, ProcessState{Name: p.name, PID: r.PID, Alive: alive, Log: l.log(p.name)})
	}
	client, err := l.client()
	if err != nil {
		s.Node = err
		return s, nil
	}
	if s.Node = ready(ctx, client); s.Node == nil {
		s.Node = nodesReady(ctx, client, l.shape())
	}
	return s, nil
}

// Log returns the log of a program of the cluster, by its name; that of a further node's as node2/kubelet.
func Log(name string) ([]byte, error) {
	l, err := newLayout()
	if err != nil {
		return nil, err
	}
	of := l
	if folder, program, ok := strings.Cut(name, "/"); ok { // of a further node
		of, name = layout{dir: filepath.Join(l.dir, filepath.Base(folder))}, program
	}
	data, err := os.ReadFile(of.log(filepath.Base(name)))
	if err != nil {
		var names []string
		for _, n := range l.shape().nodes() {
			found, _ := filepath.Glob(n.layout(l).log("*"))
			for _, f := range found {
				program := strings.TrimSuffix(filepath.Base(f), ".log")
				if n.further() {
					program = n.name() + "/" + program
				}
				names = append(names, program)
			}
		}
		return nil, fmt.Errorf("read log: %w; there are: %s", err, strings.Join(names, ", "))
	}
	return data, nil
}

// Kubectl returns the path of the cluster's kubectl.
func Kubectl(ctx context.Context) (string, error) { return build.Binary(ctx, "kubectl") }

// Kubectl runs kubectl on the cluster and returns what it says, which an error has, too.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	path, err := Kubectl(ctx)
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, append([]string{"--kubeconfig", c.Kubeconfig}, args...)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
