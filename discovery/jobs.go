package discovery

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

//go:embed jobs.yaml.tmpl
var jobsTemplate string

// endpoint is one endpoint of a pod that serves metrics itself.
type endpoint struct {
	Number  int        // from 1
	Before  int        // how many stand before it in the annotation
	Earlier []endpoint // those

	Essential kept
}

// limited is the job of the injected exporters that have one limit of samples.
type limited struct {
	Job             string
	Limit           int32
	Pattern, Action string // which pods have it

	Essential kept
}

// exporters are the jobs of injected exporters. The one with the largest limit has
// all pods that say nothing of another.
func exporters() []limited {
	var all []limited
	var smaller []string
	sidecar := lists(v1alpha1.Sidecar)
	for i, limit := range v1alpha1.SampleLimits() {
		all = append(all, limited{
			Job: sidecars.ExporterJob(limit), Limit: limit, Pattern: strconv.Itoa(int(limit)), Action: "keep", Essential: kept{"exporters", i == 0, sidecar},
		})
		if limit != v1alpha1.MostSamples {
			smaller = append(smaller, strconv.Itoa(int(limit)))
		}
	}
	all[0].Pattern, all[0].Action = strings.Join(smaller, "|"), "drop"
	return all
}

// jobsYAML are the scrape jobs, rendered once.
var jobsYAML = sync.OnceValue(func() []byte {
	natives := lists(v1alpha1.Native)
	var endpoints []endpoint
	for i := range sidecars.MostEndpoints {
		endpoints = append(endpoints, endpoint{Number: i + 1, Before: i, Earlier: endpoints, Essential: kept{"endpoints", i == 0, natives}})
	}
	var b strings.Builder
	t := template.Must(template.New("jobs").Funcs(template.FuncMap{
		"reservedJobs":    sidecars.ReservedJobs,
		"jobPattern":      func() string { return sidecars.JobPattern },
		"endpointPattern": func() string { return sidecars.EndpointPattern },
		"mostEssential":   func() int { return sidecars.MostEssential },
	}).Parse(jobsTemplate))
	if err := t.Execute(&b, map[string]any{"Endpoints": endpoints, "Exporters": exporters(), "MostSamples": v1alpha1.MostSamples}); err != nil {
		panic(err) // the template and its data are both in this package, and any call of Jobs shows it
	}
	return commentOnce(b.String())
})

// commentOnce leaves out each comment that stands further up already.
func commentOnce(text string) []byte {
	var b strings.Builder
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		if comment := strings.TrimSpace(line); strings.HasPrefix(comment, "#") {
			if seen[comment] {
				continue
			}
			seen[comment] = true
		}
		b.WriteString(line)
	}
	return []byte(b.String())
}

// Jobs returns the scrape jobs for injected exporters and for pods that serve metrics themselves: a YAML sequence
// whose items are complete entries of Prometheus' scrape_configs. Each call returns a copy of its own.
func Jobs() []byte { return slices.Clone(jobsYAML()) }

// job is the part of a scrape job that decides what becomes a target.
type job struct {
	JobName     string `json:"job_name"`
	Scheme      string `json:"scheme"`
	MetricsPath string `json:"metrics_path"`
	SD          []struct {
		Selectors []struct {
			Label string `json:"label"`
		} `json:"selectors"`
	} `json:"kubernetes_sd_configs"`
	RelabelConfigs []rule `json:"relabel_configs"`
	MetricConfigs  []rule `json:"metric_relabel_configs"`

	selector    labels.Selector
	rules       []*relabel.Config
	metricRules []*relabel.Config
}

// UnmarshalJSON reads one scrape job, with Prometheus' defaults.
func (j *job) UnmarshalJSON(b []byte) error {
	type plain job
	*j = job{Scheme: "http", MetricsPath: "/metrics"}
	return json.Unmarshal(b, (*plain)(j))
}

// rule reads one relabel rule from JSON. Prometheus fills its defaults in only when it reads YAML.
type rule relabel.Config

func (r *rule) UnmarshalJSON(b []byte) error {
	*r = rule(relabel.DefaultRelabelConfig)
	return json.Unmarshal(b, (*relabel.Config)(r))
}

// parsed are the scrape jobs, read once.
var parsed = sync.OnceValues(func() ([]*job, error) { return parseJobs(jobsYAML()) })

func parseJobs(b []byte) ([]*job, error) {
	var jobs []*job
	if err := yaml.Unmarshal(b, &jobs); err != nil {
		return nil, fmt.Errorf("read scrape jobs: %w", err)
	}
	for _, j := range jobs {
		if err := j.compile(); err != nil {
			return nil, fmt.Errorf("read scrape job %s: %w", j.JobName, err)
		}
	}
	return jobs, nil
}

func (j *job) compile() error {
	if len(j.SD) != 1 || len(j.SD[0].Selectors) != 1 {
		return fmt.Errorf("want one kubernetes_sd_config with one selector, got %+v", j.SD)
	}
	var err error
	if j.selector, err = labels.Parse(j.SD[0].Selectors[0].Label); err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	if j.rules, err = compileRules(j.RelabelConfigs); err != nil {
		return fmt.Errorf("relabel_configs: %w", err)
	}
	if j.metricRules, err = compileRules(j.MetricConfigs); err != nil {
		return fmt.Errorf("metric_relabel_configs: %w", err)
	}
	return nil
}

func compileRules(rules []rule) ([]*relabel.Config, error) {
	var compiled []*relabel.Config
	for i, r := range rules {
		c := relabel.Config(r)
		if err := c.Validate(model.UTF8Validation); err != nil {
			return nil, fmt.Errorf("rule %d: %w", i, err)
		}
		compiled = append(compiled, &c)
	}
	return compiled, nil
}
