//go:build linux

package servers

import (
	"context"
	"embed"
	"errors"
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

// Entry is a server that can run here with its exporter.
type Entry struct {
	Exporter string `json:"exporter"`
	// Slow marks one whose programs take minutes to be built: it is left out unless it is named.
	Slow bool           `json:"slow"`
	Spec corev1.PodSpec `json:"spec"`
	// Values are what Secrets hold, by NAME/KEY, and Files what volumes do, by path.
	Values sandbox.Values    `json:"values"`
	Files  map[string]string `json:"files"`
	// Beside is a server that the entry's needs, such as that of a pooler.
	Beside *corev1.Container `json:"beside"`
	Loads  []Load            `json:"loads"`
}

// Load is a server that holds things. The zero value is one that holds nothing.
type Load struct {
	Of    string            `json:"of"`    // the kind, in the singular
	Count int               `json:"count"` // how many
	Holds map[string]int    `json:"holds"` // what else it holds, of loads before
	Files map[string]string `json:"files"` // instead of those of the entry
	// Run is a script that makes them, in the server's container.
	Run string `json:"run"`
}

// All reads every entry and plans it.
func All() ([]Entry, error) {
	paths, err := fs.Glob(files, "entries/*.yaml")
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, p := range paths {
		raw, err := files.ReadFile(p)
		if err != nil {
			return nil, err
		}
		var e Entry
		if err := yaml.UnmarshalStrict(raw, &e); err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		if _, err := e.planned(sidecars.Full); err != nil {
			return nil, fmt.Errorf("read %s: %w", p, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Entries are those of the names, which commas separate, or all but the slow ones where
// there is none.
func Entries(only string) ([]Entry, error) {
	entries, err := All()
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool {
		return only == "" && e.Slow || only != "" && !slices.Contains(strings.Split(only, ","), e.Exporter)
	})
	if len(entries) == 0 {
		return nil, fmt.Errorf("%q: there is no such entry in test/servers/entries", only)
	}
	return entries, nil
}

// planned is the entry's pod with its exporter under a profile.
func (e Entry) planned(profile sidecars.Profile) (*corev1.Pod, error) {
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

// Images are those of the entries' pods with their exporters, for sandbox.Main.
func Images(entries []Entry) []string {
	var names []string
	for _, e := range entries {
		made, err := e.planned(sidecars.Full)
		if err != nil {
			continue // it was planned when it was read
		}
		containers := made.Spec.Containers
		if e.Beside != nil {
			containers = append(containers, *e.Beside)
		}
		for _, c := range containers {
			names = append(names, sandbox.Repository(c.Image))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Running is an entry that runs.
type Running struct {
	// Server and Exporter are one container where the server serves metrics itself.
	Server, Exporter *sandbox.Container
	Endpoint         sandbox.Endpoint

	all []*sandbox.Container
}

// Start starts the server with the load's files and its exporter with exactly the arguments and
// variables of our plan under a profile, waits until the exporter reaches the server, and runs the
// load's script.
func (e Entry) Start(ctx context.Context, l Load, profile sidecars.Profile) (_ *Running, err error) {
	made, err := e.planned(profile)
	if err != nil {
		return nil, err
	}
	options := sandbox.Options{Values: e.Values, Files: e.Files}
	if l.Files != nil {
		options.Files = l.Files
	}
	r := &Running{Endpoint: sandbox.EndpointOf(made)}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Stop())
		}
	}()
	containers := made.Spec.Containers
	if e.Beside != nil {
		containers = slices.Insert(slices.Clone(containers), 0, *e.Beside)
	}
	for i := range containers {
		c, err := sandbox.Start(ctx, &containers[i], options)
		if err != nil {
			return nil, err
		}
		r.all = append(r.all, c)
	}
	r.Server, r.Exporter = r.all[len(r.all)-len(made.Spec.Containers)], r.all[len(r.all)-1]
	if err := r.Endpoint.Wait(ctx, r.all...); err != nil {
		return nil, err
	}
	if l.Run != "" {
		if _, err := r.Server.Exec(ctx, nil, "sh", "-c", l.Run); err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
	}
	return r, nil
}

// Stop ends the containers, the last one first.
func (r *Running) Stop() error {
	var errs []error
	for _, c := range slices.Backward(r.all) {
		errs = append(errs, c.Stop())
	}
	return errors.Join(errs...)
}
