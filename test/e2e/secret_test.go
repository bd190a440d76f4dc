package e2e_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/corpus"
)

// canary stands in every secret value of the corpus, and nowhere else in it.
const canary = "canary"

// testSecretsComeOutNowhere runs the cases with a secret in them, and looks
// for it in everything that came out: the controller's log of every pod, its
// metrics, events, and all that a pod has and its user did not write.
func testSecretsComeOutNowhere(t *testing.T, e *env) {
	namespaces := e.plant(t)
	pods, events, logged := 0, 0, 0
	logs := map[string]string{}
	e.eachReplica(t, func(name string) {
		raw, err := e.client.CoreV1().Pods("outrider").GetLogs(name, &corev1.PodLogOptions{}).DoRaw(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		logs[name] = string(raw)
		free(t, "the log of "+name, raw)
		free(t, "the metrics of "+name, []byte(e.metrics(t, name)))
	})
	for _, ns := range namespaces {
		for _, log := range logs {
			if strings.Contains(log, `"`+ns+`"`) {
				logged++
			}
		}
		pods += e.podsAreFree(t, ns)
		events += e.eventsAreFree(t, ns)
	}
	if pods < len(namespaces) {
		t.Errorf("looked at %d pods of %d cases", pods, len(namespaces))
	}
	// Those that the API server's policies decide are in no log.
	if logged == 0 {
		t.Error("no replica has logged a pod: this test does not see what is logged")
	}
	if events == 0 {
		t.Error("none of the events was Outrider's: this test does not see them")
	}
	if t.Failed() {
		return
	}
	say(t, "%d cases with a secret: it is in none of %d pods, %d events of ours, %d logs and metrics", len(namespaces), pods, events, len(logs))
}

// plant applies the cases with a canary that can run here, for the duration of
// the test, and returns their namespaces once all of them run.
func (e *env) plant(t *testing.T) []string {
	t.Helper()
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	var namespaces []string
	for _, c := range cases {
		if !c.Cluster || !bytes.Contains(c.YAML, []byte(canary)) {
			continue
		}
		e.apply(t, c.YAML)
		namespaces = append(namespaces, "corpus-"+c.Name)
	}
	if len(namespaces) < 10 {
		t.Fatalf("only the cases of %v have a %s", namespaces, canary)
	}
	for _, ns := range namespaces {
		e.settle(t, ns)
	}
	return namespaces
}

// free fails the test if a canary is in what.
func free(t *testing.T, what string, content []byte) {
	t.Helper()
	if len(content) == 0 {
		t.Errorf("%s is empty: nothing was looked at", what)
	}
	if i := bytes.Index(content, []byte(canary)); i >= 0 {
		t.Errorf("%s has a secret in it: …%s…", what, content[max(0, i-100):min(len(content), i+100)])
	}
}

// podsAreFree looks at a namespace's pods without what their users wrote: their
// own containers, and their annotations. It returns how many have a status.
func (e *env) podsAreFree(t *testing.T, namespace string) int {
	t.Helper()
	list, err := e.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	decided := 0
	for i := range list.Items {
		pod := &list.Items[i]
		if len(sidecars.ParseStatus(pod).Decisions) > 0 {
			decided++
		}
		pod.Annotations = map[string]string{sidecars.StatusKey: pod.Annotations[sidecars.StatusKey]}
		pod.Spec.Containers = added(pod.Spec.Containers)
		pod.Spec.InitContainers = added(pod.Spec.InitContainers)
		raw, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		free(t, "pod "+namespace+"/"+pod.Name, raw)
	}
	return decided
}

func added(containers []corev1.Container) (ours []corev1.Container) {
	for _, c := range containers {
		if strings.HasPrefix(c.Name, sidecars.ContainerPrefix) {
			ours = append(ours, c)
		}
	}
	return ours
}

// eventsAreFree looks at a namespace's events, of every source, under both of
// their APIs, and returns how many are Outrider's.
func (e *env) eventsAreFree(t *testing.T, namespace string) int {
	t.Helper()
	ours := 0
	old, err := e.client.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range old.Items {
		raw, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		free(t, "event "+event.Name, raw)
	}
	list, err := e.client.EventsV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range list.Items {
		raw, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		free(t, "event "+event.Name, raw)
		if event.ReportingController == "outrider" {
			ours++
		}
	}
	return ours
}
