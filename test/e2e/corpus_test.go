package e2e_test

import (
	stdcmp "cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
)

// testCorpus applies every case that can run here, waits until it does, compares
// the containers of the live pods with the golden's, and asks Prometheus for
// what the case says must be up. Jobs must complete.
func testCorpus(t *testing.T, e *env) {
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if !c.Cluster {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			e.apply(t, c.YAML)
			namespace := "corpus-" + c.Name
			e.settle(t, namespace)
			pods, err := e.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := goldenContainers(t, c)
			seen := map[string]bool{}
			for i := range pods.Items {
				pod := &pods.Items[i]
				owner := ownerPrefix(pod, want)
				seen[owner] = true
				if diff := cmp.Diff(want[owner], containers(pod)); diff != "" {
					t.Errorf("%s: containers (-golden +running):\n%s", pod.Name, diff)
				}
				oneTargetEach(t, pod)
			}
			for name := range want {
				if !seen[name] {
					t.Errorf("no pod of %s runs", name)
				}
			}
			for _, series := range c.Up {
				e.isUp(t, namespace, series)
			}
		})
	}
}

// isUp waits until Prometheus has a series of the case, and it is 1 where its
// name says that this means up.
func (e *env) isUp(t *testing.T, namespace, series string) {
	t.Helper()
	query := fmt.Sprintf("%s{namespace=%q}", series, namespace)
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), query)
		if err != nil {
			return err.Error()
		}
		if len(v) == 0 || strings.HasSuffix(series, "_up") && v[0].Value != 1 {
			return fmt.Sprintf("%s gives %v", query, v)
		}
		return ""
	})
}

// shape is what a pod runs, in its order.
type shape struct{ Init, Containers, Status string }

func containers(pod *corev1.Pod) shape {
	list := func(cs []corev1.Container) string {
		var s string
		for _, c := range cs {
			env, _ := json.Marshal(c.Env)
			s += fmt.Sprintf("%s %s %q %s\n", c.Name, c.Image, c.Args, env)
		}
		return s
	}
	return shape{list(pod.Spec.InitContainers), list(pod.Spec.Containers), pod.Annotations[sidecars.StatusKey]}
}

// goldenContainers are the golden's pods by the name of what owns them. A
// CronJob makes no pod before its time.
func goldenContainers(t *testing.T, c corpus.Case) map[string]shape {
	t.Helper()
	templates, err := c.Golden()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]shape{}
	for _, tmpl := range templates {
		if tmpl.Kind != "CronJob" {
			want[tmpl.Name] = containers(tmpl.Pod)
		}
	}
	return want
}

// ownerPrefix is the name of the object that the pod's name begins with.
func ownerPrefix(pod *corev1.Pod, names map[string]shape) string {
	for name := range names {
		if pod.Name == name || len(pod.OwnerReferences) > 0 && len(pod.Name) > len(name) && pod.Name[:len(name)+1] == name+"-" {
			return name
		}
	}
	return pod.Name
}

// oneTargetEach holds that every injected exporter of a running pod is one target.
func oneTargetEach(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if pod.Status.Phase != corev1.PodRunning {
		return
	}
	targets, err := discovery.Targets(pod)
	if err != nil {
		t.Fatal(err)
	}
	var jobs, want []string
	for _, target := range targets {
		jobs = append(jobs, target.Labels["job"])
	}
	for _, d := range sidecars.ParseStatus(pod).Decisions {
		switch {
		case d.Outcome == sidecars.Injected, d.Endpoint != "":
			want = append(want, d.Exporter)
		case d.Outcome == sidecars.Discovered: // what the user wrote
			for part := range strings.SplitSeq(pod.Annotations[sidecars.ScrapeKey], ",") {
				job, _, named := strings.Cut(strings.TrimSpace(part), "=")
				if !named {
					job = stdcmp.Or(pod.Labels["app"], "pods")
				}
				want = append(want, job)
			}
		}
	}
	if diff := cmp.Diff(want, jobs); diff != "" {
		t.Errorf("%s: targets (-injected +discovered):\n%s", pod.Name, diff)
	}
}
