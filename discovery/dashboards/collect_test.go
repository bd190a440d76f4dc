package dashboards_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/discovery/dashboards"
)

func configMap(namespace, name string, age time.Duration, data map[string]string) corev1.ConfigMap {
	return corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(time.Unix(1e9, 0).Add(-age))}, Data: data}
}

func TestCollect(t *testing.T) {
	long := strings.Repeat("n", 200)
	maps := []corev1.ConfigMap{
		configMap("a", "x", 0, map[string]string{"one.json": `{"title": "A"}`, "notes.txt": "no dashboard", "two.json": `{"title": "B"}`}),
		configMap("b", "x", time.Hour, map[string]string{"one.json": `{"title": "C"}`, "broken.json": `{`, "list.json": `[]`}),
		configMap("c", long, time.Hour, map[string]string{long + ".json": `{"title": "D"}`}),
	}
	for range 2 {
		files, left := dashboards.Collect(maps)
		titles := map[string]bool{}
		for name, text := range files {
			titles[text] = true
			if len(name) > 253 {
				t.Errorf("%s is no key of a ConfigMap", name)
			}
		}
		if diff := cmp.Diff(map[string]bool{`{"title": "A"}`: true, `{"title": "B"}`: true, `{"title": "C"}`: true, `{"title": "D"}`: true}, titles); diff != "" || files["b.x.one.json"] == "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		want := []string{"broken.json of ConfigMap b/x is no JSON object", "list.json of ConfigMap b/x is no JSON object"}
		if diff := cmp.Diff(want, left); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		slices.Reverse(maps)
	}
}

// The oldest have room first, and what has none is named with the way out.
func TestCollectHasRoom(t *testing.T) {
	large := `{"title": "` + strings.Repeat("x", 500<<10) + `"}`
	files, left := dashboards.Collect([]corev1.ConfigMap{
		configMap("a", "new", 0, map[string]string{"d.json": large}),
		configMap("a", "old", time.Hour, map[string]string{"d.json": large}),
		configMap("a", "newest", -time.Hour, map[string]string{"d.json": `{}`}),
	})
	if files["a.old.d.json"] == "" || files["a.newest.d.json"] == "" || len(files) != 2 || len(left) != 1 || !strings.Contains(left[0], "ConfigMap a/new") || !strings.Contains(left[0], "grafana.dashboardConfigMaps") {
		t.Errorf("%d files, left: %v", len(files), left)
	}
}
