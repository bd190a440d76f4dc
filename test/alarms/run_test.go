package alarms_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// together does operations at the same time, each in its namespace, and waits as long as an alert of theirs may take.
func together(t *testing.T, w *week, operations []operation) {
	began := time.Now()
	var all sync.WaitGroup
	namespaces := map[string]bool{}
	for i, o := range operations {
		namespace := fmt.Sprintf("%s%02d", prefix, i+1)
		namespaces[namespace] = true
		all.Go(func() { w.perform(t, o, namespace) })
	}
	all.Wait()
	t.Logf("everything was done after %s", time.Since(began).Round(time.Second))
	pass(t, "30m") // the longest time that an alert about pods takes, and ranges
	for i, o := range operations {
		expect(t, o, w.seen.of(in(fmt.Sprintf("%s%02d", prefix, i+1))))
	}
	t.Logf("of the cluster fired after %s: %v", time.Since(began).Round(time.Second), w.seen.of(func(promv1.Alert) bool { return true }))
	expect(t, operation{name: "nothing else"}, w.seen.of(func(a promv1.Alert) bool { return !namespaces[string(a.Labels["namespace"])] }))
}

// inTurn does operations one after the other beside applications that run all the time. An alert is of the operation during which its
// condition began to hold. After an outage nothing fires any more before the next operation begins.
func inTurn(t *testing.T, w *week, operations []operation) {
	w.perform(t, operation{name: "applications", manifest: applications, settle: true}, prefix+"apps")
	pass(t, "3m")
	starts := []time.Time{time.Now()}
	for _, o := range operations {
		t.Logf("%s %s", time.Now().Format(time.TimeOnly), o.name)
		w.perform(t, o, prefix+"apps")
		if len(o.fires) > 0 {
			w.over(t, o, starts[len(starts)-1])
		}
		starts = append(starts, time.Now())
	}
	pass(t, "16m")
	expect(t, operation{name: "the installation"}, w.seen.of(between(time.Time{}, starts[0])))
	for i, o := range operations {
		end := starts[i+1]
		if i == len(operations)-1 {
			end = time.Now()
		}
		expect(t, o, w.seen.of(between(starts[i], end)))
	}
}

// over waits until the alerts of an outage fire, ends it, and waits until they are over.
func (w *week) over(t *testing.T, o operation, since time.Time) {
	within(t, func() string {
		fired := w.seen.of(func(a promv1.Alert) bool { return !a.ActiveAt.Before(since) })
		for _, want := range o.fires {
			if _, ok := fired[want]; !ok {
				return fmt.Sprintf("%s: %s does not fire, but %v", o.name, want, fired)
			}
		}
		return ""
	})
	if o.end != nil {
		o.end(t, w, prefix+"apps")
	}
	within(t, func() string {
		if firing := w.seen.firing(); len(firing) > 0 {
			return fmt.Sprintf("%s: still firing: %s", o.name, strings.Join(firing, "; "))
		}
		return ""
	})
}

// within polls check for as long as an alert may take. What is still wrong then is an error, and the week goes on.
func within(t *testing.T, check func() string) {
	t.Helper()
	wrong := check()
	for deadline := time.Now().Add(patience); wrong != "" && time.Now().Before(deadline); wrong = check() {
		pass(t, "10s")
	}
	if wrong != "" {
		t.Error(wrong)
	}
}
