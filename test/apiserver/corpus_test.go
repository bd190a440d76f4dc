package apiserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/corpus"
)

// since are the versions of Kubernetes that brought what a case is about. An older API server drops the field before any
// webhook sees it.
var since = map[string]string{"pod-resources": "1.34"}

// TestCorpus creates the pods of every case in the real API server, which calls
// the real controller, and compares what it stores with the goldens, and with
// what the command makes of the same file: all of the pod but its name, UID, time
// and managed fields, after the API server's own defaults and admission. What the
// command has made, the webhook leaves as it is.
func TestCorpus(t *testing.T) {
	c := client(t)
	injecting(t, c)
	outrider := command(t)
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			if first := since[tc.Name]; first != "" && api.Before(first) {
				t.Skip("Kubernetes " + first + " brought what this case is about")
			}
			ns := namespaceLike(t, c, tc.Namespace)
			templates, err := tc.Templates()
			if err != nil {
				t.Fatal(err)
			}
			goldens, written := goldenPods(t, tc), goldenPods(t, injectedBy(t, outrider, tc))
			for i, tmpl := range templates {
				warned, created := dryRun(t, ns, tmpl.Pod)
				// The golden goes where no webhook is called, for the API server's own defaults.
				_, want := dryRun(t, metav1.NamespaceSystem, goldens[i])
				want.Namespace = ns
				if diff := cmp.Diff(text(t, want), text(t, created)); diff != "" {
					t.Errorf("%s: the stored pod differs from the golden (-golden +stored):\n%s", tmpl.Name, diff)
				}
				_, want = dryRun(t, metav1.NamespaceSystem, written[i])
				_, again := dryRun(t, ns, written[i])
				want.Namespace = ns
				if diff := cmp.Diff(text(t, want), text(t, created)); diff != "" {
					t.Errorf("%s: the stored pod differs from what outrider inject writes (-written +stored):\n%s", tmpl.Name, diff)
				}
				if diff := cmp.Diff(text(t, want), text(t, again)); diff != "" {
					t.Errorf("%s: the webhook changes what outrider inject has written (-written +stored):\n%s", tmpl.Name, diff)
				}
				plan := sidecars.NewPlan(sidecars.Input{Pod: tmpl.Pod, Namespace: tc.Namespace}, sidecars.Builtin())
				for _, w := range plan.Warnings() {
					if !slices.Contains(warned, w) {
						t.Errorf("%s: the creator was not warned %q, but %q", tmpl.Name, w, warned)
					}
				}
			}
		})
	}
}

// command is the outrider binary.
func command(t *testing.T) string {
	t.Helper()
	binary, err := build.Main(t.Context(), "./cmd/outrider")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// injectedBy is the case with what the binary's inject writes as its golden.
func injectedBy(t *testing.T, outrider string, tc corpus.Case) corpus.Case {
	t.Helper()
	inject := exec.Command(outrider, "inject")
	inject.Stdin = bytes.NewReader(tc.YAML)
	out, err := inject.Output()
	if err != nil {
		t.Fatalf("outrider inject: %v", err)
	}
	tc.Injected = out
	return tc
}

// goldenPods are the pods of a case's golden.
func goldenPods(t *testing.T, tc corpus.Case) []*corev1.Pod {
	t.Helper()
	templates, err := tc.Golden()
	if err != nil {
		t.Fatal(err)
	}
	var pods []*corev1.Pod
	for _, tmpl := range templates {
		pods = append(pods, tmpl.Pod)
	}
	return pods
}

// dryRun has the API server admit a pod, with all its webhooks, without storing
// it, and returns the warnings and the pod as it would be stored.
func dryRun(t *testing.T, namespace string, pod *corev1.Pod) ([]string, *corev1.Pod) {
	t.Helper()
	return dryRunIn(t, api, namespace, pod)
}

// dryRunIn does so in another API server.
func dryRunIn(t *testing.T, server *kube.APIServer, namespace string, pod *corev1.Pod) ([]string, *corev1.Pod) {
	t.Helper()
	pod = pod.DeepCopy()
	pod.Namespace = namespace
	heard := &warnings{}
	config := server.Config()
	config.WarningHandlerWithContext = heard
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	created, err := c.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatalf("create pod %s%s: %v", pod.Name, pod.GenerateName, err)
	}
	created.Name, created.UID, created.CreationTimestamp, created.ManagedFields = pod.Name, "", metav1.Time{}, nil
	return heard.texts, created
}

// warnings collects the Warning headers of responses.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

var _ rest.WarningHandlerWithContext = &warnings{}

func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestPodsThatDidNotAskNeverReachTheWebhook reads the controller's own counter.
func TestPodsThatDidNotAskNeverReachTheWebhook(t *testing.T) {
	c := client(t)
	ctl := injecting(t, c)
	plain, optedIn := namespace(t, c, nil), namespace(t, c, map[string]string{sidecars.InjectKey: sidecars.InjectEnabled})
	create := func(ns, name string, annotations map[string]string) {
		t.Helper()
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "redis:7"}}},
		}
		must(t)(c.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{}))
	}
	before := ctl.calls(t)
	for i := range 50 {
		create(plain, fmt.Sprintf("plain-%d", i), nil)
		create(plain, fmt.Sprintf("others-%d", i), map[string]string{"prometheus.io/scrape": "true", "example.org/outrider.dev": "x"})
	}
	create(optedIn, "opted-out", map[string]string{sidecars.InjectKey: sidecars.InjectNothing})
	create(plain, "opted-out", map[string]string{sidecars.InjectKey: sidecars.InjectNothing})
	if got := ctl.calls(t) - before; got != 0 {
		t.Errorf("%v calls for 102 pods that did not ask, want none", got)
	}
	create(plain, "asks", map[string]string{sidecars.InjectKey: "redis"})
	create(optedIn, "recognized", nil)
	if got := ctl.calls(t) - before; got != 2 {
		t.Errorf("%v calls for the two pods that asked, want one each", got)
	}
}
