package discovery

import (
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/sidecars"
)

// A pod's exporters are scraped by one job, the one with the pod's limit; what is no limit is the largest.
func TestOneJobForEachLimit(t *testing.T) {
	limits := map[string]uint{}
	for _, job := range load(t) {
		limits[job.JobName] = job.SampleLimit
	}
	jobs, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	for value, limit := range map[string]uint{"": 100_000, "5000": 5_000, "20000": 20_000, "100000": 100_000, "1": 100_000, "5000 ": 100_000, "5000|20000": 100_000, "-1": 100_000} {
		p := pod(container("outrider-redis", "outrider-9121", 9121), container("outrider-nginx", "outrider-9113", 9113))
		p.Annotations = map[string]string{sidecars.SampleLimitKey: value}
		for _, j := range jobs {
			targets, err := j.targets(podLabels(p), portLabels(p))
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			if limits[j.JobName] == limit && strings.HasPrefix(j.JobName, "outrider-exporters") {
				want = 2
			}
			if len(targets) != want {
				t.Errorf("%s %q: %s has %d targets, want %d", sidecars.SampleLimitKey, value, j.JobName, len(targets), want)
			}
		}
	}
}
