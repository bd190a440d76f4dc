package sidecars

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

//go:embed catalog/*.yaml
var builtin embed.FS

// Catalog is an immutable set of exporters by name. The zero value is empty.
type Catalog struct {
	entries map[string]*entry
	names   []string // sorted
	// What containers are recognized by.
	byImage   map[string]*entry
	byTag     map[string]map[string]*entry // image, word of its tag
	byProgram map[string][]*entry          // none for a client
	byPort    map[int32][]*entry
	byName    map[string][]*entry
}

// entry is an exporter made ready for the hot path.
type entry struct {
	name       string
	spec       v1alpha1.ExporterSpec
	patterns   map[string]*regexp.Regexp // by parameter
	notSchemes map[string]*regexp.Regexp // by parameter, of addresses that are passed over
	names      map[string]bool           // of the workload, as images, containers and ports have them
	matching   map[string]*regexp.Regexp // by pattern of a sign
	exporters  *regexp.Regexp            // matches names of exporters for the workload, of those with that word
	causes     []*regexp.Regexp          // of the diagnosis, in its order
	hash       string                    // of the definition
}

// Builtin is the catalog that ships with Outrider. A test proves it valid; a
// manifest that is not would panic here, at start.
func Builtin() Catalog { return builtinOnce() }

// builtinOnce is read once: a catalog is immutable, and reading it takes longer than a plan.
var builtinOnce = sync.OnceValue(func() Catalog {
	files, err := fs.Glob(builtin, "catalog/*.yaml")
	if err != nil {
		panic(err)
	}
	var all []v1alpha1.Exporter
	for _, name := range files {
		raw, err := builtin.ReadFile(name)
		if err != nil {
			panic(err)
		}
		e, err := Parse(raw)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", name, err))
		}
		all = append(all, e)
	}
	c, err := Catalog{}.With(all...)
	if err != nil {
		panic(err)
	}
	return c
})

// Parse reads one Exporter manifest, strictly: an unknown field is an error.
func Parse(raw []byte) (v1alpha1.Exporter, error) {
	var e v1alpha1.Exporter
	if err := yaml.UnmarshalStrict(raw, &e); err != nil {
		return e, fmt.Errorf("parse Exporter: %w", err)
	}
	if e.APIVersion != v1alpha1.GroupVersion.String() || e.Kind != v1alpha1.Kind {
		return e, fmt.Errorf("parse Exporter: want apiVersion %s and kind %s, got %q and %q", v1alpha1.GroupVersion.String(), v1alpha1.Kind, e.APIVersion, e.Kind)
	}
	return e, nil
}

// With returns a catalog in which the given exporters are added, or replace
// those of the same name. An error names the exporter and every bad field, and
// nothing is added then.
func (c Catalog) With(exporters ...v1alpha1.Exporter) (Catalog, error) {
	entries := maps.Clone(c.entries)
	if entries == nil {
		entries = map[string]*entry{}
	}
	var errs []error
	for _, e := range exporters {
		made, err := newEntry(e)
		if err != nil {
			errs = append(errs, fmt.Errorf("exporter %q: %w", e.Name, err))
			continue
		}
		entries[e.Name] = made
	}
	if len(errs) > 0 {
		return Catalog{}, errors.Join(errs...)
	}
	return index(entries), nil
}

// index makes a catalog's look-up tables. Where two entries claim an image, or a
// word of its tag, the first by name has it.
func index(entries map[string]*entry) Catalog {
	c := Catalog{entries: entries, names: slices.Sorted(maps.Keys(entries)), byImage: map[string]*entry{},
		byTag: map[string]map[string]*entry{}, byProgram: map[string][]*entry{}, byPort: map[int32][]*entry{}, byName: map[string][]*entry{}}
	for _, name := range c.names {
		e := entries[name]
		r := e.spec.Recognize
		for _, image := range r.Images {
			if _, taken := c.byImage[image]; !taken {
				c.byImage[image] = e
			}
		}
		for _, tagged := range r.Tagged {
			image, word, _ := strings.Cut(tagged, ":")
			if c.byTag[image] == nil {
				c.byTag[image] = map[string]*entry{}
			}
			if _, taken := c.byTag[image][word]; !taken {
				c.byTag[image][word] = e
			}
		}
		for _, program := range r.Commands {
			c.byProgram[program] = append(c.byProgram[program], e)
		}
		for _, program := range r.NotCommands {
			c.byProgram[program] = append(c.byProgram[program], nil...)
		}
		for word := range e.names {
			c.byName[word] = append(c.byName[word], e)
		}
		for _, port := range r.Ports {
			c.byPort[port] = append(c.byPort[port], e)
		}
	}
	return c
}

// Names of the exporters, sorted.
func (c Catalog) Names() []string { return slices.Clone(c.names) }

// Spec of the named exporter, and whether there is one.
func (c Catalog) Spec(name string) (v1alpha1.ExporterSpec, bool) {
	e, ok := c.entries[name]
	if !ok {
		return v1alpha1.ExporterSpec{}, false
	}
	return e.spec, true
}

// Definition is the hash of the named exporter's definition, as it stands in the
// status annotation of pods that got it; empty where there is no such exporter.
func (c Catalog) Definition(name string) string {
	e, ok := c.entries[name]
	if !ok {
		return ""
	}
	return e.hash
}

func newEntry(e v1alpha1.Exporter) (*entry, error) {
	made := &entry{name: e.Name, spec: e.Spec, patterns: make(map[string]*regexp.Regexp, len(e.Spec.Parameters)), notSchemes: map[string]*regexp.Regexp{}}
	errs := validate(e)
	for i, p := range e.Spec.Parameters {
		re, err := regexp.Compile("^(?:" + p.Pattern + ")$")
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("spec.parameters[%d].pattern: %w", i, err))
		case !re.MatchString(p.Default):
			errs = append(errs, fmt.Errorf("spec.parameters[%d].default: %q does not match pattern %s", i, p.Default, p.Pattern))
		}
		if _, twice := made.patterns[p.Name]; twice {
			errs = append(errs, fmt.Errorf("spec.parameters[%d].name: %q is declared twice", i, p.Name))
		}
		made.patterns[p.Name] = re
		if p.NotScheme != "" {
			re, err := regexp.Compile("(?i)^(?:" + p.NotScheme + ")$")
			if err != nil {
				errs = append(errs, fmt.Errorf("spec.parameters[%d].notScheme: %w", i, err))
			}
			made.notSchemes[p.Name] = re
		}
	}
	made.names = workloadNames(e)
	made.exporters = regexp.MustCompile(workloadPattern(made.names))
	errs = append(errs, unknownPlaceholders(e.Spec, made.patterns)...)
	var bad problems
	made.matching = compileSigns(e.Spec, &bad)
	validateParameters(e.Spec, &bad)
	errs = append(errs, bad...)
	causes, wrong := compileCauses(e.Spec.Diagnosis)
	made.causes = causes
	errs = append(errs, wrong...)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	var err error
	made.hash, err = hash(e.Spec)
	return made, err
}

// hash is that of what pods get of a definition: one that differs elsewhere only
// makes no injected container stale.
func hash(spec v1alpha1.ExporterSpec) (string, error) {
	spec.UpMetric, spec.Recognize, spec.Obstacles, spec.Diagnosis = "", v1alpha1.Recognition{}, nil, v1alpha1.Diagnosis{}
	spec.ArgsEnv = nil                                                     // where settings are found, and not what they are
	spec.Grant, spec.Cost, spec.Essential = nil, nil, v1alpha1.Essential{} // a pod with more settings than now are essential loses nothing
	spec.SampleLimit = 0                                                   // nor one with another limit
	raw, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("hash definition: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:4]), nil
}
