package discovery

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	promdiscovery "github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite the chart's copy of the scrape jobs")

// load has Prometheus read a configuration made of the jobs alone.
func load(t *testing.T) []*config.ScrapeConfig {
	t.Helper()
	cfg, err := config.Load("scrape_configs:\n"+string(Jobs()), promslog.NewNopLogger())
	if err != nil {
		t.Fatalf("Prometheus refuses the jobs: %v", err)
	}
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		t.Fatalf("Prometheus refuses the jobs: %v", err)
	}
	return jobs
}

func TestPrometheusLoadsJobs(t *testing.T) {
	var names []string
	for _, job := range load(t) {
		names = append(names, job.JobName)
	}
	if diff := cmp.Diff([]string{"outrider-exporters", "outrider-exporters-20000", "outrider-exporters-5000", "outrider-endpoints-1", "outrider-endpoints-2", "outrider-endpoints-3"}, names); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// Prometheus runs one discovery for configurations that are deeply equal.
func TestJobsShareOneDiscovery(t *testing.T) {
	want := &kubernetes.SDConfig{
		Role:             kubernetes.RolePod,
		Selectors:        []kubernetes.SelectorConfig{{Role: kubernetes.RolePod, Label: "outrider.dev/monitored=true"}},
		HTTPClientConfig: promconfig.DefaultHTTPClientConfig,
	}
	for _, job := range load(t) {
		if !reflect.DeepEqual(promdiscovery.Configs{want}, job.ServiceDiscoveryConfigs) {
			t.Errorf("%s finds pods by %+v, want only %+v", job.JobName, job.ServiceDiscoveryConfigs[0], want)
		}
	}
}

func TestJobsProtectPrometheus(t *testing.T) {
	for _, job := range load(t) {
		c := job.HTTPClientConfig
		if c.FollowRedirects {
			t.Errorf("%s follows redirects", job.JobName)
		}
		if c.BasicAuth != nil || c.Authorization != nil || c.OAuth2 != nil || c.BearerToken != "" || c.BearerTokenFile != "" || c.HTTPHeaders != nil {
			t.Errorf("%s sends credentials: %+v", job.JobName, c)
		}
		if tls := c.TLSConfig; tls.Cert != "" || tls.CertFile != "" || tls.CertRef != "" {
			t.Errorf("%s shows a certificate: %+v", job.JobName, tls)
		}
		if https := strings.HasPrefix(job.JobName, "outrider-endpoints-"); c.TLSConfig.InsecureSkipVerify != https {
			t.Errorf("%s: insecure_skip_verify is %v", job.JobName, !https)
		}
		if job.HonorLabels || job.HonorTimestamps {
			t.Errorf("%s believes its targets' labels or times", job.JobName)
		}
		for name, limit := range map[string]uint{
			"body_size_limit": uint(job.BodySizeLimit), "sample_limit": job.SampleLimit, "target_limit": job.TargetLimit, "label_limit": job.LabelLimit,
			"label_name_length_limit": job.LabelNameLengthLimit, "label_value_length_limit": job.LabelValueLengthLimit, "keep_dropped_targets": job.KeepDroppedTargets,
		} {
			if limit == 0 {
				t.Errorf("%s has no %s", job.JobName, name)
			}
		}
	}
}

func TestJobsNeverCopyAllLabels(t *testing.T) {
	for _, job := range load(t) {
		for _, r := range job.RelabelConfigs {
			if r.Action == relabel.LabelMap {
				t.Errorf("%s: labelmap of %s", job.JobName, r.Regex)
			}
			if slices.Contains(r.SourceLabels, meta+"pod_container_init") {
				t.Errorf("%s: a rule reads container_init, which is true of native sidecars", job.JobName)
			}
		}
	}
}

// All that discovery finds of a pod becomes one target of an endpoint only as long as nothing else is read.
func TestEndpointsDependOnThePodAlone(t *testing.T) {
	for _, job := range load(t)[len(v1alpha1.SampleLimits()):] {
		set := map[model.LabelName]bool{}
		for _, r := range job.RelabelConfigs {
			for _, l := range r.SourceLabels {
				ofPod := strings.HasPrefix(string(l), meta) && !strings.HasPrefix(string(l), meta+"pod_container_")
				if !ofPod && !set[l] {
					t.Errorf("%s: a rule reads %s", job.JobName, l)
				}
			}
			if r.Action == relabel.Replace {
				set[model.LabelName(r.TargetLabel)] = true
			}
		}
		if !set[model.AddressLabel] {
			t.Errorf("%s: no rule sets the address", job.JobName)
		}
	}
}

// Targets must follow the rules, defaults and selector that Prometheus reads.
func TestRulesAreThoseOfPrometheus(t *testing.T) {
	all, err := parseJobs(Jobs())
	if err != nil {
		t.Fatal(err)
	}
	for i, theirs := range load(t) {
		ours := all[i]
		if diff := cmp.Diff(rulesJSON(t, theirs.RelabelConfigs), rulesJSON(t, ours.rules)); diff != "" {
			t.Errorf("%s: rules (-Prometheus +ours):\n%s", theirs.JobName, diff)
		}
		if diff := cmp.Diff(map[string]string{
			model.JobLabel: theirs.JobName, model.SchemeLabel: theirs.Scheme, model.MetricsPathLabel: theirs.MetricsPath,
		}, ours.defaults()); diff != "" {
			t.Errorf("%s: defaults (-Prometheus +ours):\n%s", theirs.JobName, diff)
		}
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

func TestParseJobsRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no YAML":       "{",
		"no sequence":   "job_name: x",
		"no discovery":  "[{job_name: x}]",
		"bad selector":  "[{kubernetes_sd_configs: [{selectors: [{label: '=='}]}]}]",
		"bad regex":     "[{kubernetes_sd_configs: [{selectors: [{label: a=b}]}], relabel_configs: [{regex: '('}]}]",
		"empty target":  "[{kubernetes_sd_configs: [{selectors: [{label: a=b}]}], relabel_configs: [{action: replace}]}]",
		"two selectors": "[{kubernetes_sd_configs: [{selectors: [{label: a=b}, {label: c=d}]}]}]",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseJobs([]byte(text)); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestJobsAreACopy(t *testing.T) {
	Jobs()[0] = 'x'
	if Jobs()[0] == 'x' {
		t.Error("a caller can edit the jobs")
	}
}

func TestCommentsStandOnce(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(string(Jobs())) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") && seen[line] {
			t.Errorf("a second time: %s", line)
		}
		seen[line] = true
	}
}

// The chart cannot read a file outside its folder, so it has a copy.
func TestChartFile(t *testing.T) {
	const repair = "go test ./discovery -run TestChartFile -update"
	path := filepath.Join("..", "charts", "outrider", "files", "jobs.yaml")
	want := append([]byte("# Generated from discovery/jobs.yaml.tmpl; to change it, edit that file and run: "+repair+"\n"), Jobs()...)
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
		t.Errorf("the chart's scrape jobs are out of date (-want +got):\n%s\nrepair it with: %s", cmp.Diff(string(want), string(got)), repair)
	}
}
