package discovery

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/model/relabel"
)

var update = flag.Bool("update", false, "rewrite the chart's copy of the scrape job")

// load has Prometheus read a configuration made of the job alone.
func load(t *testing.T) *config.ScrapeConfig {
	t.Helper()
	indented := strings.ReplaceAll(string(Job()), "\n", "\n    ")
	cfg, err := config.Load("scrape_configs:\n  - "+strings.TrimSpace(indented)+"\n", promslog.NewNopLogger())
	if err != nil {
		t.Fatalf("Prometheus refuses the job: %v", err)
	}
	scrapes, err := cfg.GetScrapeConfigs()
	if err != nil {
		t.Fatalf("Prometheus refuses the job: %v", err)
	}
	if len(scrapes) != 1 {
		t.Fatalf("Prometheus reads %d jobs, want 1", len(scrapes))
	}
	return scrapes[0]
}

func TestPrometheusLoadsJob(t *testing.T) {
	job := load(t)
	if got, want := job.JobName, "outrider-exporters"; got != want {
		t.Errorf("job name %q, want %q", got, want)
	}
	if len(job.ServiceDiscoveryConfigs) != 1 {
		t.Fatalf("%d discovery configs, want 1", len(job.ServiceDiscoveryConfigs))
	}
	sd, ok := job.ServiceDiscoveryConfigs[0].(*kubernetes.SDConfig)
	if !ok {
		t.Fatalf("discovery is %T, want Kubernetes", job.ServiceDiscoveryConfigs[0])
	}
	if diff := cmp.Diff([]kubernetes.SelectorConfig{{Role: kubernetes.RolePod, Label: "outrider.dev/monitored=true"}}, sd.Selectors); diff != "" {
		t.Errorf("selectors (-want +got):\n%s", diff)
	}
	if sd.Role != kubernetes.RolePod || sd.AttachMetadata != (kubernetes.AttachMetadataConfig{}) {
		t.Errorf("role %s with metadata %+v, want pods alone", sd.Role, sd.AttachMetadata)
	}
}

func TestJobSendsNothingSecret(t *testing.T) {
	c := load(t).HTTPClientConfig
	if c.FollowRedirects {
		t.Error("the job follows redirects")
	}
	if c.BasicAuth != nil || c.Authorization != nil || c.OAuth2 != nil || c.BearerToken != "" || c.BearerTokenFile != "" || c.HTTPHeaders != nil {
		t.Errorf("the job sends credentials: %+v", c)
	}
}

func TestJobNeverCopiesAllLabels(t *testing.T) {
	for _, r := range load(t).RelabelConfigs {
		if r.Action == relabel.LabelMap {
			t.Errorf("labelmap of %s", r.Regex)
		}
		for _, l := range r.SourceLabels {
			if l == meta+"pod_container_init" {
				t.Error("a rule reads container_init, which is true of native sidecars")
			}
		}
	}
}

// Targets must follow the rules, defaults and selector that Prometheus reads.
func TestRulesAreThoseOfPrometheus(t *testing.T) {
	ours, err := parseJob(Job())
	if err != nil {
		t.Fatal(err)
	}
	theirs := load(t)
	if diff := cmp.Diff(rulesJSON(t, theirs.RelabelConfigs), rulesJSON(t, ours.rules)); diff != "" {
		t.Errorf("rules (-Prometheus +ours):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		model.JobLabel: theirs.JobName, model.SchemeLabel: theirs.Scheme, model.MetricsPathLabel: theirs.MetricsPath,
	}, ours.defaults()); diff != "" {
		t.Errorf("defaults (-Prometheus +ours):\n%s", diff)
	}
}

func rulesJSON(t *testing.T, rules []*relabel.Config) string {
	t.Helper()
	b, err := json.MarshalIndent(rules, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestParseJobRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no YAML":       "{",
		"no discovery":  "job_name: x",
		"bad selector":  "kubernetes_sd_configs: [{selectors: [{label: '=='}]}]",
		"bad regex":     "kubernetes_sd_configs: [{selectors: [{label: a=b}]}]\nrelabel_configs: [{regex: '('}]",
		"empty target":  "kubernetes_sd_configs: [{selectors: [{label: a=b}]}]\nrelabel_configs: [{action: replace}]",
		"two selectors": "kubernetes_sd_configs: [{selectors: [{label: a=b}, {label: c=d}]}]",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseJob([]byte(text)); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestJobIsACopy(t *testing.T) {
	Job()[0] = 'x'
	if Job()[0] == 'x' {
		t.Error("a caller can edit the embedded job")
	}
}

// The chart cannot read a file outside its folder, so it has a copy.
func TestChartFile(t *testing.T) {
	const repair = "go test ./discovery -run TestChartFile -update"
	path := filepath.Join("..", "charts", "outrider", "files", "exporters.yaml")
	want := append([]byte("# Generated from discovery/job.yaml; to change it, edit that file and run: "+repair+"\n"), Job()...)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v\nrepair it with: %s", err, repair)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("the chart's scrape job is out of date (-want +got):\n%s\nrepair it with: %s", cmp.Diff(string(want), string(got)), repair)
	}
}
