package monitored_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/breaker"
	"github.com/outrider-dev/outrider/webhook/monitored"
)

// large is a pod as a kubelet reports it, with much that nobody here asks for.
func large() *corev1.Pod {
	yes, always, long := true, corev1.ContainerRestartPolicyAlways, strings.Repeat("word ", 1000)
	now := metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	container := corev1.Container{Name: "app", Image: "example.org/app:1", Args: []string{long}, Env: []corev1.EnvVar{{Name: "PASSWORD", Value: "secret"}}}
	native := container
	native.Name, native.RestartPolicy = "native", &always
	exporter := container
	exporter.Name = "outrider-redis"
	status := func(name string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: name, Ready: true, Started: &yes, ImageID: long, ContainerID: long, RestartCount: 1,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}}
	}
	failing := status("outrider-redis")
	failing.Ready, failing.State = false, corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: long}}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "p", Namespace: "a", UID: "u", ResourceVersion: "1", CreationTimestamp: now,
			Labels: map[string]string{"app": long, sidecars.MonitoredKey: sidecars.MonitoredTrue},
			Annotations: map[string]string{
				"example.org/notes": long, "notoutrider.dev/x": long, sidecars.InjectKey: "redis", "redis.outrider.dev/port": "1",
				sidecars.StatusKey: `{"decisions":[{"exporter":"redis","outcome":"injected","reason":"Annotated","definition":"01234567"}]}`,
			},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "rs", UID: "r", Controller: &yes}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(long)}},
		},
		Spec: corev1.PodSpec{InitContainers: []corev1.Container{native}, Containers: []corev1.Container{container, exporter}, Volumes: []corev1.Volume{{Name: long}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending, InitContainerStatuses: []corev1.ContainerStatus{status("native")},
			ContainerStatuses: []corev1.ContainerStatus{status("app"), failing}},
	}
}

// A slim pod shows the same as the whole one, and is a pod of another size.
func TestSlim(t *testing.T) {
	whole, slim := large(), large()
	monitored.Slim(slim, sidecars.Builtin())
	observe := func(p *corev1.Pod) []breaker.Observation {
		seen := breaker.Observe(p, time.Minute, p.CreationTimestamp.Add(time.Hour))
		for i := range seen {
			seen[i].Message = "" // is shortened
		}
		return seen
	}
	if diff := cmp.Diff(observe(whole), observe(slim)); diff != "" || len(observe(slim)) != 1 || observe(slim)[0].Stuck.IsZero() {
		t.Errorf("what it shows (-whole +slim):\n%s", diff)
	}
	raw, err := json.Marshal(slim)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 2500 || strings.Contains(string(raw), "secret") {
		t.Errorf("%d bytes are left:\n%s", len(raw), raw)
	}
	want := map[string]string{
		sidecars.InjectKey: "redis", "redis.outrider.dev/port": "1", sidecars.StatusKey: whole.Annotations[sidecars.StatusKey],
	}
	if diff := cmp.Diff(want, slim.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(whole.OwnerReferences, slim.OwnerReferences); diff != "" || slim.ResourceVersion != "1" || slim.UID != "u" {
		t.Errorf("it is not the same pod any more:\n%s", diff)
	}
}

// That an exporter logs in as a superuser is seen in a slim pod as in the whole one, and the password is gone.
func TestSuperusers(t *testing.T) {
	for name, tc := range map[string]struct {
		user        string
		annotations map[string]string
		want        bool
	}{
		"the server's administrator":   {"", nil, true},
		"the one that its image makes": {"shop", nil, true},
		"an account of its own":        {"", map[string]string{"postgres.outrider.dev/user": "outrider", "postgres.outrider.dev/secret": "db/password"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "db", Image: "postgres:17", Env: []corev1.EnvVar{{Name: "POSTGRES_PASSWORD", ValueFrom: &corev1.EnvVarSource{
					SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}, Key: "password"},
				}}},
			}}}}
			if tc.user != "" {
				pod.Spec.Containers[0].Env = append(pod.Spec.Containers[0].Env, corev1.EnvVar{Name: "POSTGRES_USER", Value: tc.user})
			}
			pod.Annotations = map[string]string{sidecars.InjectKey: "postgres"}
			for key, value := range tc.annotations {
				pod.Annotations[key] = value
			}
			pod = sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin()).Apply(pod)
			pod.Annotations["superusers"], pod.Annotations["outrider.dev/superusers"] = "postgres", "postgres" // a user's say nothing
			monitored.Slim(pod, sidecars.Builtin())
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "outrider-postgres"}}
			if got := monitored.ContainersOf(pod)["postgres"].Superuser; got != tc.want {
				t.Errorf("superuser: %v, want %v: %v", got, tc.want, pod.Annotations)
			}
			if raw, _ := json.Marshal(pod); strings.Contains(string(raw), "secretKeyRef") {
				t.Errorf("a password is kept: %s", raw)
			}
		})
	}
}
