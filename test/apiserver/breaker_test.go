package apiserver_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/webhook/breaker"
	"github.com/outrider-dev/outrider/webhook/events"
)

// account is the controller's, as the chart names it.
const account = "system:serviceaccount:" + releaseNamespace + ":outrider-controller"

// guarded is an API server of a test's own, with the chart's permissions in it.
// No kubelet runs there: the tests write what one would report.
type guarded struct {
	t          *testing.T
	server     *kube.APIServer
	c          kubernetes.Interface
	x          ctrlclient.Client // of Exporters
	kubeconfig string            // of the controller's account
	replicas   []*controller
	webhooks   []string // their addresses, in the same order
}

// newGuarded installs the chart's webhook, permissions and ConfigMap. The API server will
// call the last replica that is started.
func newGuarded(t *testing.T, values map[string]any, replicas int) *guarded {
	t.Helper()
	g := &guarded{t: t}
	g.server, _ = ownServer(t)
	quiet := g.server.Config()
	quiet.WarningHandler = rest.NoWarnings{} // refusals are what is tested
	var err error
	if g.c, err = kubernetes.NewForConfig(quiet); err != nil {
		t.Fatal(err)
	}
	for range replicas {
		g.webhooks = append(g.webhooks, endpoint.FreeFor(t))
	}
	installWebhook(t, g.c, g.webhooks[replicas-1])
	permit(t, g.server, values)
	if g.kubeconfig, err = g.server.KubeconfigOf(releaseNamespace, "outrider-controller"); err != nil {
		t.Fatal(err)
	}
	g.x = exportersOf(t, g.server.Config())
	return g
}

// permit creates the controller's roles and ConfigMap as the chart renders them.
func permit(t *testing.T, server *kube.APIServer, values map[string]any) {
	t.Helper()
	objects, err := manifest.Rendered(release.Release{}, values, api.Version())
	if err != nil {
		t.Fatal(err)
	}
	c, err := ctrlclient.New(server.Config(), ctrlclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		object := &unstructured.Unstructured{Object: o}
		kinds := []string{"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap"}
		if slices.Contains(kinds, object.GetKind()) && (object.GetName() == "outrider-controller" || object.GetName() == "outrider-breaker") {
			if err := c.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// start starts the replicas, the leader first.
func (g *guarded) start(flags ...string) {
	g.t.Helper()
	g.replicas = nil
	for _, address := range g.webhooks {
		replica := launch(g.t, append([]string{"--kubeconfig=" + g.kubeconfig, "--webhook-bind-address=" + address}, flags...)...)
		g.replicas = append(g.replicas, replica)
		g.t.Cleanup(replica.stop)
	}
	g.t.Cleanup(func() {
		for _, r := range g.replicas {
			if said := r.said(g.t); g.t.Failed() {
				g.t.Logf("a replica said: %s", said[max(0, len(said)-6000):])
			}
		}
	})
}

// set is a namespace with a ReplicaSet that pods can belong to.
type set struct {
	*guarded
	ns   string
	rs   *appsv1.ReplicaSet
	pods int
}

func (g *guarded) set(annotations map[string]string) *set {
	g.t.Helper()
	ns, err := g.c.CoreV1().Namespaces().Create(g.t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Annotations: annotations}}, metav1.CreateOptions{})
	if err != nil {
		g.t.Fatal(err)
	}
	s := &set{guarded: g, ns: ns.Name}
	one := int32(1)
	labels := map[string]string{"app": "shop"}
	s.rs, err = g.c.AppsV1().ReplicaSets(s.ns).Create(g.t.Context(), &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec: appsv1.ReplicaSetSpec{Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.org/app:1"}}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		g.t.Fatal(err)
	}
	return s
}

// template is a pod of the ReplicaSet that asks for varnish.
func (s *set) template() *corev1.Pod {
	s.pods++
	yes := true
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("shop-%d", s.pods), Labels: map[string]string{"app": "shop"}, Annotations: map[string]string{sidecars.InjectKey: "varnish"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: s.rs.Name, UID: s.rs.UID, Controller: &yes}},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.org/app:1"}}},
	}
}

// create creates a pod through the API server and its webhook.
func (s *set) create(pod *corev1.Pod) *corev1.Pod {
	s.t.Helper()
	pod, err := s.c.CoreV1().Pods(s.ns).Create(s.t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return pod
}

func hasVarnish(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == "outrider-varnish" })
}

// become reports on a pod what a kubelet would: the application is ready, and the
// exporter in this state.
func (s *set) become(pod *corev1.Pod, phase corev1.PodPhase, exporter corev1.ContainerState, ready bool) *corev1.Pod {
	s.t.Helper()
	if !hasVarnish(pod) {
		s.t.Fatalf("pod %s/%s has no exporter: %s", s.ns, pod.Name, pod.Annotations[sidecars.StatusKey])
	}
	yes, condition := true, corev1.ConditionFalse
	if ready {
		condition = corev1.ConditionTrue
	}
	pod = pod.DeepCopy()
	pod.Status = corev1.PodStatus{
		Phase:      phase,
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: condition}},
		ContainerStatuses: []corev1.ContainerStatus{
			{Name: "app", Ready: true, Started: &yes, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}},
			{Name: "outrider-varnish", Ready: exporter.Running != nil, Started: &yes, State: exporter},
		},
	}
	pod, err := s.c.CoreV1().Pods(s.ns).UpdateStatus(s.t.Context(), pod, metav1.UpdateOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return pod
}

var notPulled = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image"}}

// broken creates pods whose exporter's image cannot be pulled.
func (s *set) broken(n int) (pods []*corev1.Pod) {
	s.t.Helper()
	for range n { // all before one fails: a single one that waits may suspend it
		pods = append(pods, s.create(s.template()))
	}
	for i, pod := range pods {
		pods[i] = s.become(pod, corev1.PodPending, notPulled, false)
	}
	return pods
}

// refused waits until every replica refuses the exporter in the namespace, or
// injects it.
func (s *set) refused(want bool) {
	s.t.Helper()
	eventually(s.t, func() string {
		for i := range s.webhooks {
			if wrong := s.answers(i, want); wrong != "" {
				return wrong
			}
		}
		return ""
	})
}

// answers asks one replica, as the API server does for a dry run.
func (s *set) answers(replica int, refused bool) string {
	raw, err := json.Marshal(s.template())
	if err != nil {
		s.t.Fatal(err)
	}
	yes := true
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{UID: "1", Namespace: s.ns, Operation: admissionv1.Create, DryRun: &yes,
			Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, Object: runtime.RawExtension{Raw: raw}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	resp, err := client.Post("https://"+s.webhooks[replica]+"/inject/annotated", "application/json", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(resp.Body).Decode(&review); err != nil || review.Response == nil {
		return fmt.Sprintf("no review: %v", err)
	}
	patch := string(review.Response.Patch)
	want := `"name":"outrider-varnish"`
	if refused {
		want = `\"reason\":\"Suspended\"`
	}
	if !strings.Contains(patch, want) {
		return fmt.Sprintf("replica %d: no %s in the patch of a pod in %s: %s", replica, want, s.ns, patch)
	}
	return ""
}

// suspensions are those that are stored.
func (g *guarded) suspensions() []breaker.Suspension {
	g.t.Helper()
	cm, err := g.c.CoreV1().ConfigMaps(releaseNamespace).Get(g.t.Context(), "outrider-breaker", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		g.t.Fatal(err)
	}
	all, err := breaker.Decode(cm.Data["suspensions.json"])
	if err != nil {
		g.t.Fatal(err)
	}
	return all
}

// shows waits until every replica shows the suspension, or does not.
func (g *guarded) shows(namespace string, want float64) {
	g.t.Helper()
	series := fmt.Sprintf(`outrider_exporter_suspended{exporter="varnish",namespace=%q}`, namespace)
	eventually(g.t, func() string {
		for i, r := range g.replicas {
			if got := r.metric(g.t, series); got != want {
				return fmt.Sprintf("replica %d: %s is %v, want %v", i, series, got, want)
			}
		}
		return ""
	})
}

// event waits for an event about an object of this kind.
func (g *guarded) event(namespace, kind, reason, note string) {
	g.t.Helper()
	eventually(g.t, func() string {
		list, err := g.c.EventsV1().Events(namespace).List(g.t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		for _, e := range list.Items {
			if e.Regarding.Kind == kind && e.Reason == reason && strings.Contains(e.Note, note) {
				return ""
			}
		}
		return fmt.Sprintf("no event %s on a %s with %q among %d in %q", reason, kind, note, len(list.Items), namespace)
	})
}

// condition waits for the exporter's condition Suspended.
func (g *guarded) condition(status metav1.ConditionStatus, part string) {
	g.t.Helper()
	eventually(g.t, func() string {
		c := meta.FindStatusCondition(stored(g.t, g.x, "varnish").Status.Conditions, breaker.ConditionSuspended)
		if c == nil || c.Status != status || !strings.Contains(c.Message, part) {
			return fmt.Sprintf("condition %+v, want %s with %q", c, status, part)
		}
		return ""
	})
}

// deletePods removes every pod of the set.
func (s *set) deletePods() {
	s.t.Helper()
	now := int64(0)
	err := s.c.CoreV1().Pods(s.ns).DeleteCollection(s.t.Context(), metav1.DeleteOptions{GracePeriodSeconds: &now}, metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
}

// define creates the exporter varnish.
func (g *guarded) define() {
	g.t.Helper()
	if err := g.x.Create(g.t.Context(), varnish(g.t, `{}`)); err != nil {
		g.t.Fatal(err)
	}
}

// An exporter that fails is suspended on every replica, here and then everywhere;
// that outlives the leader, and ends with another definition.
func TestBreaker(t *testing.T) {
	g := newGuarded(t, nil, 2)
	g.start("--breaker-timeout=1s", "--breaker-stable=1s", "--breaker-backoff=1h", "--breaker-evict=false")
	g.define()
	first, second := g.set(nil), g.set(nil)

	// Three pods in a row, in one namespace.
	first.refused(false)
	first.broken(3)
	first.refused(true)
	second.refused(false)
	g.shows(first.ns, 1)
	pod := first.create(first.template())
	if d := sidecars.ParseStatus(pod).Decisions; hasVarnish(pod) || len(d) != 1 || d[0].Reason != sidecars.Suspended || !strings.Contains(d[0].Message, "ImagePullBackOff: Back-off pulling image") {
		t.Errorf("the decision about a new pod is %+v", d)
	}
	first.event(first.ns, "ReplicaSet", events.ExporterSuspended.Reason, "ImagePullBackOff")
	first.event(first.ns, "ReplicaSet", string(sidecars.Suspended), "its injection is suspended")
	first.event("default", "Exporter", events.ExporterSuspended.Reason, first.ns)
	g.condition(metav1.ConditionTrue, "in "+first.ns)
	if n := g.replicas[0].metric(t, `outrider_breaker_trips_total{exporter="varnish"}`); n != 1 {
		t.Errorf("the leader counts %v trips, want 1", n)
	}

	// One pod that waits, in two more: everywhere.
	second.broken(1)
	second.refused(true)
	third, fourth := g.set(nil), g.set(nil)
	fourth.refused(false)
	third.broken(1)
	fourth.refused(true)
	g.shows("", 1)
	g.shows(first.ns, 0)
	g.condition(metav1.ConditionTrue, "in all namespaces")

	// Another leader goes on from there.
	g.replicas[0].stop()
	g.replicas, g.webhooks = g.replicas[1:], g.webhooks[1:]
	eventually(t, func() string {
		if strings.Contains(g.replicas[0].said(t), "Successfully acquired lease") {
			return ""
		}
		return "nobody leads"
	})
	fourth.refused(true)
	patch(t, g.x, "varnish", varnish(t, `{spec: {image: "docker.io/jonnenauha/prometheus_varnish_exporter:1.6.2"}}`).Object)
	for _, s := range []*set{first, second, third, fourth} {
		s.refused(false)
	}
	g.condition(metav1.ConditionFalse, "")
	g.event("default", "Exporter", events.ExporterResumed.Reason, "new pods get it again")
	eventually(t, func() string {
		if all := g.suspensions(); len(all) > 0 {
			return fmt.Sprintf("still stored: %+v", all)
		}
		return ""
	})
	t.Run("store", func(t *testing.T) { storeIsTaken(t, g) })
}

// storeIsTaken deletes and corrupts what is stored: it is in force as it is.
func storeIsTaken(t *testing.T, g *guarded) {
	configMaps := g.c.CoreV1().ConfigMaps(releaseNamespace)
	s := g.set(nil)
	s.broken(3)
	s.refused(true)
	if err := configMaps.Delete(t.Context(), "outrider-breaker", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { // the pods are still there, and show it again
		if all := g.suspensions(); len(all) != 1 || all[0].Namespace != s.ns {
			return fmt.Sprintf("stored after it was deleted: %+v", all)
		}
		return ""
	})
	s.refused(true)
	s.deletePods()
	s.refused(true) // it takes more than that
	garbage := []byte(`{"data":{"suspensions.json":"[{"}}`)
	must(t)(configMaps.Patch(t.Context(), "outrider-breaker", types.MergePatchType, garbage, metav1.PatchOptions{}))
	s.refused(false)
	eventually(t, func() string {
		if !strings.Contains(g.replicas[0].said(t), "nothing is suspended: the ConfigMap cannot be read") {
			return "the log does not say that the ConfigMap cannot be read"
		}
		cm, err := configMaps.Get(t.Context(), "outrider-breaker", metav1.GetOptions{})
		if err != nil || cm.Data["suspensions.json"] != "" {
			return fmt.Sprintf("what cannot be read stays: %v, %v", cm.Data, err)
		}
		return ""
	})
}

// A suspended exporter is tried again: on a pod at a time, and for good when
// it runs there.
func TestBreakerHalfOpen(t *testing.T) {
	g := newGuarded(t, nil, 1)
	// Half-open probes come back after 2 × (9s + 1s), long after this test has looked.
	g.start("--breaker-timeout=9s", "--breaker-stable=1s", "--breaker-backoff=2s", "--breaker-evict=false")
	g.define()
	s := g.set(nil)
	s.refused(false)
	s.broken(3)
	eventually(t, func() string {
		if all := g.suspensions(); len(all) != 1 || all[0].Trips != 1 {
			return fmt.Sprintf("not suspended: %+v", all)
		}
		return ""
	})

	tried := s.probe()
	if again := s.create(s.template()); hasVarnish(again) {
		t.Error("a second pod got the exporter in the same window")
	}
	s.become(tried, corev1.PodPending, notPulled, false)
	eventually(t, func() string {
		if all := g.suspensions(); len(all) != 1 || all[0].Trips != 2 {
			return fmt.Sprintf("the probe failed, and stored is %+v", all)
		}
		return ""
	})
	eventually(t, func() string { // counted after it was stored
		if n := g.replicas[0].metric(t, `outrider_breaker_trips_total{exporter="varnish"}`); n != 2 {
			return fmt.Sprintf("%v trips are counted, want 2", n)
		}
		return ""
	})

	tried = s.probe()
	s.become(tried, corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}, true)
	s.refused(false)
	g.shows(s.ns, 0)
	g.condition(metav1.ConditionFalse, "")
	for range 3 {
		if pod := s.create(s.template()); !hasVarnish(pod) {
			t.Errorf("the exporter works again, and the status of a new pod is %s", pod.Annotations[sidecars.StatusKey])
		}
	}
}

// probe creates pods until one gets the exporter.
func (s *set) probe() (tried *corev1.Pod) {
	s.t.Helper()
	eventually(s.t, func() string {
		if tried = s.create(s.template()); !hasVarnish(tried) {
			return "nothing is tried: " + tried.Annotations[sidecars.StatusKey]
		}
		return ""
	})
	return tried
}
