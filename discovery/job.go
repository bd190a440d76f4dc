package discovery

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

//go:embed job.yaml
var jobYAML []byte

// Job returns the scrape job for injected exporters: one YAML mapping that is a complete entry of Prometheus'
// scrape_configs. Each call returns a copy of its own.
func Job() []byte { return slices.Clone(jobYAML) }

// job is the part of the scrape job that decides what becomes a target.
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

	selector labels.Selector
	rules    []*relabel.Config
}

// rule reads one relabel rule from JSON. Prometheus fills its defaults in only when it reads YAML.
type rule relabel.Config

func (r *rule) UnmarshalJSON(b []byte) error {
	*r = rule(relabel.DefaultRelabelConfig)
	return json.Unmarshal(b, (*relabel.Config)(r))
}

// embedded is the embedded job, read once.
var embedded = sync.OnceValues(func() (*job, error) { return parseJob(jobYAML) })

func parseJob(b []byte) (*job, error) {
	j := &job{Scheme: "http", MetricsPath: "/metrics"} // Prometheus' defaults
	if err := yaml.Unmarshal(b, j); err != nil {
		return nil, fmt.Errorf("read scrape job: %w", err)
	}
	if len(j.SD) != 1 || len(j.SD[0].Selectors) != 1 {
		return nil, fmt.Errorf("read scrape job: want one kubernetes_sd_config with one selector, got %+v", j.SD)
	}
	var err error
	if j.selector, err = labels.Parse(j.SD[0].Selectors[0].Label); err != nil {
		return nil, fmt.Errorf("read scrape job's selector: %w", err)
	}
	for i, r := range j.RelabelConfigs {
		c := relabel.Config(r)
		if err := c.Validate(model.UTF8Validation); err != nil {
			return nil, fmt.Errorf("read scrape job's relabel rule %d: %w", i, err)
		}
		j.rules = append(j.rules, &c)
	}
	return j, nil
}
