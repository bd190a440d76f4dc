package faults_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/poll"
)

// promised is how soon a missed pod is reported.
const promised = time.Minute

// count is what became of the pods of some namespaces.
type count struct{ pods, injected, told, missed int }

// counted counts the live pods: those with an exporter, those with a reason why not, and those that nobody
// decided about.
func (e *env) counted(ctx context.Context, namespaces ...string) (count, error) {
	var c count
	for _, ns := range namespaces {
		pods, err := e.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return c, err
		}
		for i := range pods.Items {
			pod := &pods.Items[i]
			if pod.DeletionTimestamp != nil {
				continue
			}
			c.pods++
			switch {
			case instrumented(pod):
				c.injected++
			case pod.Annotations[sidecars.StatusKey] != "":
				c.told++
			default:
				c.missed++
			}
		}
	}
	return c, nil
}

func instrumented(pod *corev1.Pod) bool {
	for _, c := range pod.Spec.Containers {
		if strings.HasPrefix(c.Name, sidecars.ContainerPrefix) {
			return true
		}
	}
	return false
}

// end stops the load and holds what must hold after every fault. It returns what became of the pods.
func (l *load) end(t *testing.T) count {
	t.Helper()
	l.more(t, 20)
	l.stop()
	e, ctx := l.e, t.Context()
	if err := e.applier.Settle(ctx, l.rolled, patience); err != nil {
		t.Fatal(err)
	}
	all := []string{l.annotated, l.optedIn, l.rolled}
	var c count
	eventually(t, func() (wrong string) { // old pods of a rollout go
		var err error
		c, err = e.counted(ctx, all...)
		if want := l.asked.Load() - l.refused.Load() + 2*l.deployments.Load(); err != nil || int64(c.pods) != want {
			return fmt.Sprintf("%d pods are there and %d were asked for (%v)", c.pods, want, err)
		}
		return ""
	})
	if n := l.refused.Load(); n > 0 {
		t.Errorf("%d creates failed, first %s", n, l.first)
	}
	l.reasons(t)
	c.bounded(t)
	began := time.Now()
	e.reported(t, c, all...)
	took := time.Since(began)
	repaired := l.repaired(t)
	say(t, "%d pods asked for, %d created (%d creates retried), %d injected, %d told why not, %d missed, %d reported missed (%s after the load), %d of %d missed pods of Deployments repaired, %d app pods disturbed",
		l.asked.Load()+2*l.deployments.Load(), c.pods, l.retried.Load(), c.injected, c.told, c.missed, c.missed, took.Round(time.Second), repaired, repaired, e.apps.disturbed(t))
	if n := e.apps.disturbed(t); n > 0 {
		t.Errorf("%d app pods were restarted, replaced or not ready", n)
	}
	return c
}

// bounded holds that no pod was missed where the API server's policies decide about all of them.
func (c count) bounded(t *testing.T) {
	t.Helper()
	if *mode == "auto" && c.missed > 0 {
		t.Errorf("%d of %d pods came without their exporter, which the API server's policies decide about", c.missed, c.pods)
	}
}

// reported waits until coverage says of the namespaces what is so: once the release is whole, for no longer than it promises.
func (e *env) reported(t *testing.T, c count, namespaces ...string) {
	t.Helper()
	poll.Until(t, promised, 200*time.Millisecond, func() string {
		injected, missed, err := e.coverage(t.Context(), namespaces)
		if err != nil || injected != c.injected || missed != c.missed {
			return fmt.Sprintf("coverage reports %d injected and %d missed (%v), there are %+v", injected, missed, err, c)
		}
		return ""
	})
}

// repaired lets repair loose on the Deployments, and returns how many of their pods had been missed.
func (l *load) repaired(t *testing.T) int {
	t.Helper()
	e, ctx := l.e, t.Context()
	before, err := e.counted(ctx, l.rolled)
	if err != nil {
		t.Fatal(err)
	}
	e.allowRepair(t, l.rolled)
	eventually(t, func() string {
		now, err := e.counted(ctx, l.rolled)
		if err != nil || now.missed > 0 || now.pods != before.pods {
			return fmt.Sprintf("Deployments are not repaired: %+v (%v), before %+v", now, err, before)
		}
		return ""
	})
	return before.missed
}

// allowRepair takes back what namespace says.
func (e *env) allowRepair(t *testing.T, namespace string) {
	t.Helper()
	e.repair(t, namespace, "null")
}

// repair sets what a namespace says about repair, in JSON.
func (e *env) repair(t *testing.T, namespace, value string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%s}}}`, sidecars.RepairKey, value)
	if _, err := e.client.CoreV1().Namespaces().Patch(t.Context(), namespace, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// reasons logs why the API server let pods through without asking, in its own words, and how often.
func (l *load) reasons(t *testing.T) {
	t.Helper()
	log, err := kube.Log("kube-apiserver")
	if err != nil {
		t.Log(err)
		return
	}
	if len(log) >= l.logged { // a restarted one starts again
		log = log[l.logged:]
	}
	why := map[string]int{}
	for line := range strings.Lines(string(log)) {
		if _, reason, ok := strings.Cut(line, "failing open "); ok {
			_, reason, _ = strings.Cut(reason, "timeout=")
			why[portOrAddress.ReplaceAllString(strings.TrimSpace(reason), "N")]++
		}
	}
	for reason, n := range why {
		t.Logf("the API server failed open %d times: %s", n, reason)
	}
}

// portOrAddress are numbers that tell calls apart which failed for one reason.
var portOrAddress = regexp.MustCompile(`[0-9]+(\.[0-9]+){3}(:[0-9]+)?`)
