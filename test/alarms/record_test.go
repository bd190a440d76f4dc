package alarms_test

import (
	"regexp"
	"sync"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/outrider-dev/outrider/test/promql"
)

// machines are alerts about this machine, and the one that always fires.
var machines = regexp.MustCompile(`^(Watchdog|ClusterOvercommitted|` + promql.MachineAlerts + `)$`)

// record is which alerts fired.
type record struct {
	mu    sync.Mutex
	fired map[string]promv1.Alert // by labels, as first seen
	now   map[string]bool         // labels of those that fired when Prometheus was last asked
}

// watch asks Prometheus until the test ends. While it restarts it has no answer.
func watch(t *testing.T, prom *promql.Client) *record {
	r := &record{fired: map[string]promv1.Alert{}}
	done := make(chan struct{})
	t.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			if alerts, err := prom.Alerts(t.Context()); err == nil {
				r.add(alerts)
			}
			select {
			case <-t.Context().Done():
				return
			case <-tick.C:
			}
		}
	}()
	return r
}

func (r *record) add(alerts []promv1.Alert) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = map[string]bool{}
	for _, a := range alerts {
		if a.State != promv1.AlertStateFiring || machines.MatchString(string(a.Labels["alertname"])) {
			continue
		}
		key := a.Labels.String()
		r.now[key] = true
		if _, known := r.fired[key]; !known {
			r.fired[key] = a
		}
	}
}

// of are the alerts that fired about a namespace: which, as "warning JobFailed", and an example's labels.
func (r *record) of(about func(promv1.Alert) bool) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := map[string]string{}
	for key, a := range r.fired {
		if about(a) {
			found[string(a.Labels["severity"]+" "+a.Labels["alertname"])] = key + " since " + a.ActiveAt.Format(time.TimeOnly)
		}
	}
	return found
}

// firing are the alerts that fire now.
func (r *record) firing() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for key := range r.now {
		all = append(all, key)
	}
	return all
}

// in selects the alerts about a namespace.
func in(namespace string) func(promv1.Alert) bool {
	return func(a promv1.Alert) bool { return string(a.Labels["namespace"]) == namespace }
}

// between selects the alerts whose condition began to hold in a time.
func between(from, to time.Time) func(promv1.Alert) bool {
	return func(a promv1.Alert) bool { return !a.ActiveAt.Before(from) && a.ActiveAt.Before(to) }
}
