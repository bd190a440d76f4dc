package discovery

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	promlabels "github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Target is one endpoint that Prometheus scrapes.
type Target struct {
	// URL is what Prometheus requests, for example http://10.244.0.7:9121/metrics.
	URL string
	// Labels are the labels that every series of the target gets: job, instance, namespace, pod and node, and container
	// if it is an exporter's. A label without a value is absent, as node is before the pod is scheduled.
	Labels map[string]string
}

// Targets returns the targets that pod becomes under the scrape jobs: exporters first, those in containers before those
// in init containers, each in the order of the pod; then the pod's own endpoints in the order of the annotation. As in
// Prometheus, a job makes equal candidates one target. A pod that the jobs' selector does not match has none, nor has
// one without an IP: a caller who asks about a pod that does not run yet sets Status.PodIP to a placeholder. The pod is
// not modified.
//
// An error means that Prometheus would refuse a target, which no pod that the API server has accepted can cause.
func Targets(pod *corev1.Pod) ([]Target, error) {
	jobs, err := parsed()
	if err != nil {
		return nil, err
	}
	if pod.Status.PodIP == "" {
		return nil, nil
	}
	var targets []Target
	shared, candidates := podLabels(pod), portLabels(pod)
	for _, j := range jobs {
		if !j.selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		found, err := j.targets(shared, candidates)
		if err != nil {
			return nil, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
		targets = append(targets, found...)
	}
	return targets, nil
}

// targets are what one job makes of a pod.
func (j *job) targets(shared map[string]string, candidates []map[string]string) ([]Target, error) {
	var targets []Target
	for _, own := range candidates {
		t, keep, err := j.target(own, shared)
		if err != nil {
			return nil, fmt.Errorf("target %s of %s: %w", own[model.AddressLabel], j.JobName, err)
		}
		if keep && !slices.ContainsFunc(targets, t.equal) {
			targets = append(targets, t)
		}
	}
	return targets, nil
}

// equal reports whether Prometheus takes two targets of one job for the same.
func (t Target) equal(other Target) bool {
	return t.URL == other.URL && maps.Equal(t.Labels, other.Labels)
}

// target does to one candidate what Prometheus does: defaults, the job's rules, checks, and the instance label.
func (j *job) target(own, shared map[string]string) (t Target, keep bool, err error) {
	b := promlabels.NewBuilder(promlabels.EmptyLabels())
	for _, ls := range []map[string]string{j.defaults(), shared, own} {
		for name, value := range ls {
			b.Set(name, value)
		}
	}
	if !relabel.ProcessBuilder(b, j.rules...) {
		return Target{}, false, nil
	}
	address := b.Get(model.AddressLabel)
	if address == "" || strings.Contains(address, "/") {
		return Target{}, false, fmt.Errorf("%q is no address", address)
	}
	if b.Get(model.InstanceLabel) == "" {
		b.Set(model.InstanceLabel, address)
	}
	u := url.URL{Scheme: b.Get(model.SchemeLabel), Host: address, Path: b.Get(model.MetricsPathLabel)}
	t = Target{URL: u.String(), Labels: map[string]string{}}
	b.Range(func(l promlabels.Label) {
		switch {
		case strings.HasPrefix(l.Name, model.ReservedLabelPrefix):
		case !model.LabelValue(l.Value).IsValid():
			err = fmt.Errorf("label %s: %q is not UTF-8", l.Name, l.Value)
		default:
			t.Labels[l.Name] = l.Value
		}
	})
	return t, err == nil, err
}

// defaults are the labels that the job gives to every candidate. Interval and timeout are left out: they come from
// Prometheus' global section, and no rule of the job reads them.
func (j *job) defaults() map[string]string {
	return map[string]string{
		model.JobLabel:         j.JobName,
		model.SchemeLabel:      j.Scheme,
		model.MetricsPathLabel: j.MetricsPath,
	}
}
