package coverage

import (
	"context"
	"fmt"
	"math/bits"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/sidecars"
)

// Three sources report pods: the watch of labeled pods that are not monitored, the watch of monitored ones, and sweeps of the
// rest. A pod that goes from one to another is known throughout, in whatever order their news arrive.
func TestSources(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cache", Annotations: map[string]string{sidecars.InjectKey: "redis"}}}
	key := types.NamespacedName{Namespace: "shop", Name: "cache"}
	type news func(*inventory)
	var (
		listed    news = func(v *inventory) { v.setPod(&pod.ObjectMeta, swept) }
		labeled   news = func(v *inventory) { v.setPod(&pod.ObjectMeta, watched) }
		unlisted  news = func(v *inventory) { v.endSweep(v.beginSweep(), everyNamespace, nil) }
		elsewhere news = func(v *inventory) { v.endSweep(v.beginSweep(), "elsewhere", nil) }
		relisted  news = func(v *inventory) { _ = (&sink{inventory: v, listed: func() {}}).Replace(nil, "") }
		left      news = func(v *inventory) { v.dropFrom(key, watched) }
		scrapes   news = func(v *inventory) { v.setPod(&pod.ObjectMeta, scraped); v.setContainers(pod) }
		stopped   news = func(v *inventory) { v.dropContainers(pod) }
	)
	for name, tc := range map[string]struct {
		known bool
		news  []news
	}{
		"swept":                       {true, []news{listed}},
		"swept and gone":              {false, []news{listed, unlisted}},
		"another namespace swept":     {true, []news{listed, elsewhere}},
		"labeled":                     {true, []news{labeled, unlisted}},
		"labeled and gone":            {false, []news{labeled, left}},
		"labeled, gone before a list": {false, []news{labeled, relisted}},
		"monitored":                   {true, []news{scrapes, unlisted, relisted}},
		"monitored and gone":          {false, []news{scrapes, stopped}},
		"becomes monitored, its label's watch first": {true, []news{labeled, left, scrapes}},
		"becomes monitored, its label's watch last":  {true, []news{labeled, scrapes, left}},
		"attached, and its page was listed before":   {true, []news{listed, scrapes, listed, unlisted}},
		"attached, gone": {false, []news{listed, scrapes, listed, stopped}},
		"no longer monitored, its label's watch last":  {true, []news{scrapes, stopped, labeled}},
		"no longer monitored, its label's watch first": {true, []news{scrapes, labeled, stopped}},
	} {
		v := newInventory(nil, sidecars.Settings{})
		v.changed = func(Workload) {}
		for _, n := range tc.news {
			n(v)
		}
		if known := v.pods[key] != nil; known != tc.known {
			t.Errorf("%s: known %v, want %v", name, known, tc.known)
		}
	}
}

// sweeping answers lists of pods with a pod of the namespace shop, which begins to exist while all namespaces are listed for
// the first time; the namespace alone is swept before that list arrives.
type sweeping struct {
	client.WithWatch
	c *Controller
}

func (s *sweeping) List(ctx context.Context, l client.ObjectList, options ...client.ListOption) error {
	var o client.ListOptions
	o.ApplyOptions(options)
	if o.Namespace == everyNamespace {
		return s.c.sweep(ctx, "shop")
	}
	l.(*metav1.PartialObjectMetadataList).Items = []metav1.PartialObjectMetadata{{ObjectMeta: metav1.ObjectMeta{
		Namespace: o.Namespace, Name: "cache", Annotations: map[string]string{sidecars.InjectKey: "redis"}}}}
	return nil
}

// TestTwoSweeps: a pod that one sweep finds is kept when another ends that listed its page before there was the pod, and
// forgotten by the next that does not find it.
func TestTwoSweeps(t *testing.T) {
	v := newInventory(nil, sidecars.Settings{})
	v.changed = func(Workload) {}
	c := &Controller{inv: v}
	c.client = &sweeping{c: c}
	if err := c.sweep(t.Context(), everyNamespace); err != nil {
		t.Fatal(err)
	}
	if len(v.pods) != 1 {
		t.Errorf("%d pods are known, want the one that was found meanwhile", len(v.pods))
	}
	v.endSweep(v.beginSweep(), everyNamespace, nil)
	if len(v.pods) != 0 {
		t.Errorf("%d pods are known after a sweep that found none", len(v.pods))
	}
}

// podLabels of the pod's versions: whether the policies labeled it, and whether Prometheus scrapes it.
type podLabels struct{ requested, monitored bool }

// report is what one source reports of one version of the pod.
type report struct {
	what    string
	version int
}

// pod is that version, which its time of creation stands for.
func (n report) pod() *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "cache", ResourceVersion: fmt.Sprint(9 + n.version), CreationTimestamp: metav1.Unix(int64(n.version), 0),
		Annotations: map[string]string{sidecars.InjectKey: "redis"},
	}}
}

func (n report) toWatch(v *inventory) {
	if n.what == "drop" {
		v.dropFrom(types.NamespacedName{Namespace: "shop", Name: "cache"}, watched)
		return
	}
	v.setPod(&n.pod().ObjectMeta, watched)
}

func (n report) toScrapes(v *inventory) {
	if n.what == "drop" {
		v.dropContainers(n.pod())
		return
	}
	v.setPod(&n.pod().ObjectMeta, scraped)
	v.setContainers(n.pod())
}

// reports are what a watch of the versions that match reports, in order.
func reports(history []podLabels, matches func(podLabels) bool) (all []report) {
	before := false
	for i, l := range history {
		now := matches(l)
		switch {
		case now:
			all = append(all, report{"set", i})
		case before:
			all = append(all, report{"drop", i})
		}
		before = now
	}
	return all
}

// TestSourcesInAnyOrder has a pod change its labels, and both watches report it in every order that can be, each late by as
// much as it likes. Once all has been reported, the pod is known, as it last was, if a watch selects it.
func TestSourcesInAnyOrder(t *testing.T) {
	labeled := func(l podLabels) bool { return l.requested && !l.monitored }
	scraping := func(l podLabels) bool { return l.monitored }
	orders := 0
	for code := range 4 * 4 * 4 * 4 {
		var history []podLabels
		for i := range 4 {
			kind := code >> (2 * i) & 3
			history = append(history, podLabels{kind&1 != 0, kind&2 != 0})
		}
		watch, scrapes := reports(history, labeled), reports(history, scraping)
		for order := range 1 << (len(watch) + len(scrapes)) {
			if bits.OnesCount(uint(order)) != len(watch) {
				continue
			}
			orders++
			v := newInventory(nil, sidecars.Settings{})
			v.changed = func(Workload) {}
			var told []string
			w, s := watch, scrapes
			for i := range len(watch) + len(scrapes) {
				if order>>i&1 != 0 {
					told = append(told, fmt.Sprint("watch ", w[0]))
					w[0].toWatch(v)
					w = w[1:]
				} else {
					told = append(told, fmt.Sprint("scrapes ", s[0]))
					s[0].toScrapes(v)
					s = s[1:]
				}
			}
			last := history[len(history)-1]
			p := v.pods[types.NamespacedName{Namespace: "shop", Name: "cache"}]
			if known := labeled(last) || scraping(last); (p != nil) != known {
				t.Fatalf("%v, reported as %v: known %t, want %t", history, told, p != nil, known)
			}
			if p != nil && p.created.Unix() != int64(len(history)-1) {
				t.Fatalf("%v, reported as %v: known as of version %d", history, told, p.created.Unix())
			}
		}
	}
	t.Logf("figure: %d orders", orders)
}
