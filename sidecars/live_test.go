package sidecars_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

func TestLive(t *testing.T) {
	plan := func(annotations map[string]string, containers ...corev1.Container) sidecars.Live {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db-0", Namespace: "shop", Annotations: annotations}, Spec: corev1.PodSpec{Containers: containers}}
		return sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin()).Live()
	}
	redis := corev1.Container{Name: "redis", Image: "redis:7"}
	nginx := corev1.Container{Name: "nginx", Image: "nginx:1"}

	l := plan(map[string]string{sidecars.InjectKey: "redis,nginx"}, redis, nginx)
	if len(l.Containers) != 2 || l.Annotations[sidecars.ScrapeKey] != "redis=9121,nginx=9113" || l.Labels[sidecars.MonitoredKey] != "true" {
		t.Errorf("%d containers, annotations %v, labels %v", len(l.Containers), l.Annotations, l.Labels)
	}
	for _, c := range l.Containers {
		if len(c.Ports)+len(c.Resources.Requests)+len(c.VolumeMounts) > 0 {
			t.Errorf("%s has what an ephemeral container may not have", c.Name)
		}
	}
	written := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: l.Annotations}}
	if diff := cmp.Diff([]sidecars.Reason{sidecars.Attached, sidecars.Attached}, reasons(sidecars.ParseStatus(written).Decisions)); diff != "" {
		t.Error(diff)
	}

	for name, l := range map[string]sidecars.Live{
		"not asked":            plan(nil, redis),
		"refused":              plan(map[string]string{sidecars.InjectKey: "redis", "redis.outrider.dev/port": "six"}, redis),
		"endpoints of its own": plan(map[string]string{sidecars.InjectKey: "redis", sidecars.ScrapeKey: "8080"}, redis),
	} {
		if len(l.Containers)+len(l.Labels)+len(l.Annotations) > 0 {
			t.Errorf("%s: something is attached: %+v", name, l)
		}
	}
}

func reasons(decisions []sidecars.Decision) []sidecars.Reason {
	var all []sidecars.Reason
	for _, d := range decisions {
		all = append(all, d.Reason)
	}
	return all
}
