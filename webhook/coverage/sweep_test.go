package coverage

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

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
		unlisted  news = func(v *inventory) { v.keepPods(nil, swept) }
		elsewhere news = func(v *inventory) { v.keepPods(nil, swept, "elsewhere") }
		relisted  news = func(v *inventory) { v.keepPods(nil, watched) }
		left      news = func(v *inventory) { v.dropWatched(key) }
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
