package monitors

import (
	"fmt"
	"regexp"

	"github.com/prometheus/common/model"
)

var proberAddress = regexp.MustCompile(`^[a-zA-Z0-9.\[\]:_-]+$`)

// probe makes the job of a Probe with a list of targets.
func (t *translation) probe() {
	t.skip = false
	p := t.o.Spec.probe
	job := t.job(fmt.Sprintf("probe/%s/%s", t.o.Metadata.Namespace, t.o.Metadata.Name))
	t.scraping(job, "spec", p.scraping)
	job["metrics_path"] = "/probe"
	if p.Prober.Path != "" {
		job["metrics_path"] = p.Prober.Path
	}
	switch p.Prober.Scheme {
	case "", "http", "HTTP":
	case "https", "HTTPS":
		job["scheme"] = "https"
	default:
		t.problem("spec.prober.scheme", "%q is neither http nor https; the probe is skipped", p.Prober.Scheme)
	}
	if p.Prober.ProxyURL != "" {
		t.problem("spec.prober.proxyUrl", "it is not followed; the probe is skipped; write it into scrape.extra")
	}
	if p.Module != "" {
		job["params"] = map[string][]string{"module": {p.Module}}
	}
	if !proberAddress.MatchString(p.Prober.URL) {
		t.problem("spec.prober.url", "%q is no HOST:PORT; the probe is skipped", p.Prober.URL)
	}
	if p.Targets.Static == nil || len(p.Targets.Static.Targets) == 0 {
		t.problem("spec.targets", "only staticConfig is followed; the probe is skipped; name the addresses in scrape.probes")
		return
	}
	static := p.Targets.Static
	job["static_configs"] = []any{map[string]any{"targets": static.Targets, "labels": t.staticLabels(static.Labels)}}
	name := literal(t.o.Metadata.Namespace + "/" + t.o.Metadata.Name)
	if p.JobName != "" {
		name = literal(p.JobName)
	}
	all := rules{
		{"source_labels": []string{"__address__"}, "target_label": "__param_target"},
		{"source_labels": []string{"__param_target"}, "target_label": "instance"},
		{"target_label": "__address__", "replacement": literal(p.Prober.URL)},
		{"target_label": "job", "replacement": name},
	}
	all = append(all, t.relabelings("spec.targets.staticConfig.relabelingConfigs", static.Relabelings)...)
	job["relabel_configs"] = append(all, t.guard()...)
	if !t.skip {
		t.jobs = append(t.jobs, job)
	}
}

// staticLabels are the labels of a Probe's targets, its namespace included.
func (t *translation) staticLabels(own map[string]string) map[string]string {
	all := map[string]string{"namespace": t.o.Metadata.Namespace}
	for _, name := range sortedKeys(own) {
		value := own[name]
		if !model.UTF8Validation.IsValidLabelName(name) || !model.LabelValue(value).IsValid() {
			t.problem("spec.targets.staticConfig.labels", "%q: %q is no label; the probe is skipped", name, value)
		}
		all[name] = value
	}
	return all
}
