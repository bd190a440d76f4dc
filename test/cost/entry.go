//go:build linux

package main

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/sandbox"
)

//go:embed entries/*.yaml
var files embed.FS

// entry is a server that can run here with its exporter.
type entry struct {
	Exporter string         `json:"exporter"`
	Spec     corev1.PodSpec `json:"spec"`
	// Values are what Secrets hold, by NAME/KEY, and Files what volumes do, by path.
	Values sandbox.Values    `json:"values"`
	Files  map[string]string `json:"files"`
	// Beside is a server that the entry's needs, such as that of a pooler.
	Beside *corev1.Container `json:"beside"`
	Loads  []load            `json:"loads"`
}

// load is a server that holds things.
type load struct {
	Of    string            `json:"of"`    // the kind, in the singular
	Count int               `json:"count"` // how many
	Holds map[string]int    `json:"holds"` // what else it holds, of loads before
	Files map[string]string `json:"files"` // instead of those of the entry
	// Run is a script that makes them, in the server's container.
	Run string `json:"run"`
}

// readEntries reads those of the names, all without one, and plans them.
func readEntries(only string) ([]entry, error) {
	paths, err := fs.Glob(files, "entries/*.yaml")
	if err != nil {
		return nil, err
	}
	var entries []entry
	for _, p := range paths {
		raw, err := files.ReadFile(p)
		if err != nil {
			return nil, err
		}
		var e entry
		if err := yaml.UnmarshalStrict(raw, &e); err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		if only != "" && !slices.Contains(strings.Split(only, ","), e.Exporter) {
			continue
		}
		if _, err := e.planned(sidecars.Full); err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		entries = append(entries, e)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("-only %q: there is no such entry in test/cost/entries", only)
	}
	return entries, nil
}

// planned is the entry's pod with its exporter under a profile.
func (e entry) planned(profile sidecars.Profile) (*corev1.Pod, error) {
	pod := &corev1.Pod{Spec: e.Spec}
	pod.Annotations = map[string]string{sidecars.InjectKey: e.Exporter, sidecars.ProfileKey: string(profile)}
	plan := sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin())
	for _, d := range plan.Decisions {
		if d.Outcome != sidecars.Injected && d.Outcome != sidecars.Discovered {
			return nil, fmt.Errorf("%s: %s", d.Reason, d.Message)
		}
	}
	return plan.Apply(pod), nil
}
