package kube

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

// State is what Status finds.
type State struct {
	Processes  []ProcessState
	Node       error  // why the node takes no pods; nil if it does
	Kubeconfig string // path
}

// ProcessState is one program of the cluster.
type ProcessState struct {
	Name  string
	PID   int // 0: it was not started
	Alive bool
	Log   string // path
}

// Running says whether every program runs and the node takes pods.
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
	for _, p := range l.processes(map[string]string{}) {
		r, alive := l.running(p.name)
		s.Processes = append(s.Processes, ProcessState{Name: p.name, PID: r.PID, Alive: alive, Log: l.log(p.name)})
	}
	client, err := l.client()
	if err != nil {
		s.Node = err
		return s, nil
	}
	if s.Node = ready(ctx, client); s.Node == nil {
		s.Node = nodeReady(ctx, client)
	}
	return s, nil
}

// Log returns the log of a program of the cluster, by its name.
func Log(name string) ([]byte, error) {
	l, err := newLayout()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(l.log(filepath.Base(name)))
	if err != nil {
		found, _ := filepath.Glob(l.log("*"))
		var names []string
		for _, f := range found {
			names = append(names, strings.TrimSuffix(filepath.Base(f), ".log"))
		}
		return nil, fmt.Errorf("read log: %w; there are: %s", err, strings.Join(names, ", "))
	}
	return data, nil
}

// Kubectl returns the path of the cluster's kubectl.
func Kubectl(ctx context.Context) (string, error) { return build.Binary(ctx, "kubectl") }
