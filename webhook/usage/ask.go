package usage

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/outrider-dev/outrider/sidecars"
)

// count is how many series Prometheus keeps of a namespace's pods.
type count struct {
	now    int            // of the targets that are up
	jobs   map[string]int // the same by job
	lately int            // of all targets that were up within the window, each at its most; or unknown
}

// unknown is how many there may have been lately where Prometheus does not know.
const unknown = math.MaxInt32

// rounds are how many the window has.
const rounds = 5

// The queries. A target counts once, whichever replicas of Prometheus scrape it; jobs
// of the stack itself report on others' namespaces.
const (
	pods   = `{namespace=~%[1]q,pod!="",job!~%[2]q}`
	target = `max by (namespace, pod, container, job, instance) `

	nowQuery = `sum by (namespace, job) (` + target +
		`(scrape_samples_post_metric_relabeling` + pods + ` and up` + pods + ` == 1))`
	// latelyQuery leaves out a target of which no scrape succeeded, such as one beyond its limit.
	latelyQuery = `sum by (namespace) (` + target +
		`(max_over_time(scrape_samples_post_metric_relabeling` + pods + `[%[3]s]) and max_over_time(up` + pods + `[%[3]s]) == 1))`
	// sinceQuery gives something where anything was scraped in the first half of the window.
	sinceQuery = `count(present_over_time(up[%[1]s] offset %[1]s))`
)

// askTime is how long Prometheus may take.
const askTime = 20 * time.Second

// ask counts for each of the namespaces.
func (u *Usage) ask(ctx context.Context, names []string) (map[string]*count, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	some, jobs, window := strings.Join(names, "|"), sidecars.ReservedJobs(), rounds*u.Interval
	var answers [3]model.Vector
	whole := true
	for i, query := range []string{
		fmt.Sprintf(nowQuery, some, jobs),
		fmt.Sprintf(latelyQuery, some, jobs, model.Duration(window)),
		fmt.Sprintf(sinceQuery, model.Duration(window/2)),
	} {
		value, warnings, _, err := u.Prometheus.Query(ctx, query, time.Time{}) // at Prometheus' own time
		if err != nil {
			return nil, fmt.Errorf("ask Prometheus for series: %w", err)
		}
		vector, ok := value.(model.Vector)
		if !ok {
			return nil, fmt.Errorf("ask Prometheus for series: want a vector, got %s", value.Type())
		}
		answers[i] = vector
		whole = whole && len(warnings) == 0 // such as that of a Thanos that misses a store
	}
	now, lately, since := answers[0], answers[1], answers[2]
	counted := map[string]*count{}
	for _, name := range names {
		counted[name] = &count{jobs: map[string]int{}}
		if !whole || len(since) == 0 {
			counted[name].lately = unknown
		}
	}
	for _, s := range now {
		c := counted[string(s.Metric["namespace"])]
		c.now += int(s.Value)
		c.jobs[string(s.Metric[model.JobLabel])] = int(s.Value)
	}
	for _, s := range lately {
		c := counted[string(s.Metric["namespace"])]
		c.lately = max(c.lately, int(s.Value))
	}
	return counted, nil
}
