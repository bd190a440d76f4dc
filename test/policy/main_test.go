package policy

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/test/poll"
	"github.com/outrider-dev/outrider/webhook"
	"github.com/outrider-dev/outrider/webhook/decider"
)

const releaseNamespace = "outrider"

var minor = flag.String("kubernetes", "", "test with the API server of this minor version of Kubernetes, 1.36 or later; the newest without")

// api is the one API server of this package's tests, nil with -short.
var api *kube.APIServer

func TestMain(m *testing.M) {
	flag.Parse()
	ctrllog.SetLogger(logr.Discard())
	if testing.Short() {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	var err error
	api, err = kube.StartAPIServer(ctx, kube.APIServerOptions{Kubernetes: *minor})
	code := 1
	if err == nil {
		if !api.Before("1.36") { // which brought the policies
			err = install(ctx)
		}
		if err == nil {
			code = m.Run()
		}
		api.Stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the API server:", err)
	}
	os.Exit(code)
}

// install creates the chart's policies with their bindings and their ConfigMap, and fills that.
func install(ctx context.Context) error {
	c, err := client.New(api.Config(), client.Options{})
	if err != nil {
		return err
	}
	if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: releaseNamespace}}); err != nil {
		return err
	}
	objects, err := manifest.Rendered(release.Release{Namespace: releaseNamespace}, map[string]any{"webhook": map[string]any{"mode": "policy"}}, api.Version())
	if err != nil {
		return err
	}
	kinds := []string{"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}
	for _, o := range objects {
		object := &unstructured.Unstructured{Object: o}
		if slices.Contains(kinds, object.GetKind()) || object.GetKind() == "ConfigMap" && object.GetName() == "outrider-policies" {
			if err := c.Create(ctx, object); err != nil {
				return err
			}
		}
	}
	return keep(ctx, c, sidecars.Builtin(), &state{})
}

// keep has the controller's code write the data.
func keep(ctx context.Context, c client.Client, catalog sidecars.Catalog, s *state) error {
	p := webhook.Policies{
		Namespace: releaseNamespace, Name: "outrider-policies", Exporters: decider.NewExporters(catalog, prometheus.NewRegistry()),
		Injection: &webhook.Injection{Budgets: budgets{c}, Breaker: s, Usage: s, Alone: true},
	}
	_, err := p.Keep(ctx, c)
	return err
}

// state is what the test has: suspended exporters, and namespaces that have used up their budgets of series.
type state struct{ held, exhausted []string }

func (*state) Check(*http.Request) error          { return nil }
func (s *state) Held(bool) ([]string, time.Time)  { return s.held, time.Time{} }
func (s *state) AllExhausted() []string           { return s.exhausted }
func (*state) Changed() <-chan event.GenericEvent { return nil }

// budgets are the policies of all namespaces, as the API server has them.
type budgets struct{ client.Reader }

func (budgets) Check(*http.Request) error { return nil }

func (b budgets) Budgeted(ctx context.Context, c sidecars.Catalog) ([]string, error) {
	return decider.Budgeted(ctx, b.Reader, c)
}

// server returns a client that may do everything, or skips a test that was asked to be short.
func server(t *testing.T) kubernetes.Interface {
	t.Helper()
	if api == nil {
		t.Skip("-short: this test needs an API server")
	}
	if api.Before("1.36") {
		t.Skip("Kubernetes 1.36 brought the policies")
	}
	return api.Client()
}

// namespaceLike makes a namespace with the labels and annotations of another, and returns its name.
func namespaceLike(t *testing.T, c kubernetes.Interface, like sidecars.Namespace) string {
	t.Helper()
	ns, err := c.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: like.Labels, Annotations: like.Annotations}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return ns.Name
}

// dryRun has the API server admit a pod without storing it, and returns the pod as it would be stored, and the warnings.
func dryRun(t *testing.T, namespace string, pod *corev1.Pod) (*corev1.Pod, []string) {
	t.Helper()
	created, warned, err := tryDryRun(t, namespace, pod)
	if err != nil {
		t.Fatalf("create pod %s%s: %v", pod.Name, pod.GenerateName, err)
	}
	return created, warned
}

// tryDryRun does so with a pod that the API server may refuse.
func tryDryRun(t *testing.T, namespace string, pod *corev1.Pod) (*corev1.Pod, []string, error) {
	t.Helper()
	heard := &warnings{}
	config := api.Config()
	config.WarningHandlerWithContext = heard
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	pod = pod.DeepCopy()
	pod.Namespace = namespace
	created, err := c.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return nil, heard.texts, err
	}
	created.Name, created.UID, created.CreationTimestamp, created.ManagedFields, created.Namespace = pod.Name, "", metav1.Time{}, nil, ""
	return created, heard.texts, nil
}

// dropRequested takes the label away that the policies write for coverage and the webhook does not.
func dropRequested(pod *corev1.Pod) {
	if delete(pod.Labels, sidecars.RequestedKey); len(pod.Labels) == 0 {
		pod.Labels = nil
	}
}

// warnings collects the Warning headers of responses.
type warnings struct{ texts []string }

func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.texts = append(w.texts, text)
}

// active waits until the policies are in force: each has a copy of its own for namespaces that are opted in.
func active(t *testing.T) {
	t.Helper()
	optedIn := sidecars.Namespace{Labels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}}
	for _, like := range []sidecars.Namespace{{}, optedIn} {
		ns := namespaceLike(t, server(t), like)
		poll.Until(t, 2*time.Minute, 50*time.Millisecond, func() string {
			pod, _ := dryRun(t, ns, redis(sidecars.InjectKey, "redis"))
			if len(pod.Spec.Containers) != 2 {
				return "the policies do not inject"
			}
			if _, warned := dryRun(t, ns, redis(sidecars.InjectKey, "nothing")); len(warned) == 0 {
				return "the policies do not warn"
			}
			return ""
		})
	}
}

// redis is a pod of one image with annotations in pairs of key and value.
func redis(annotations ...string) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "cache", Annotations: map[string]string{}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "redis:7"}}},
	}
	for i := 0; i+1 < len(annotations); i += 2 {
		p.Annotations[annotations[i]] = annotations[i+1]
	}
	return p
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
