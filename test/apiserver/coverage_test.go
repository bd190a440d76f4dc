package apiserver_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

// covered is an API server with a webhook configuration, and the controllers that come and go there.
type covered struct {
	*kube.APIServer
	kubernetes.Interface
	address string
	labels  map[string]string // of the pods that are created, besides their own
}

func newCovered(t *testing.T) *covered {
	t.Helper()
	server, c := ownServer(t)
	f := &covered{APIServer: server, Interface: c, address: endpoint.FreeFor(t)}
	installWebhook(t, c, f.address)
	return f
}

func (f *covered) launch(t *testing.T, flags ...string) *controller {
	t.Helper()
	return launch(t, append([]string{"--kubeconfig=" + f.Kubeconfig(), "--webhook-bind-address=" + f.address, "--excluded-namespace=kube-system"}, flags...)...)
}

// replicas are pods as a Deployment's ReplicaSet makes them.
func (f *covered) replicas(t *testing.T, ns, deployment, image string, n int, annotations map[string]string) []*corev1.Pod {
	t.Helper()
	yes, hash := true, "7d9c5b8f6"
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": deployment, appsv1.DefaultDeploymentUniqueLabelKey: hash}, Annotations: annotations},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}},
	}
	set, err := f.AppsV1().ReplicaSets(ns).Create(t.Context(), &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: deployment + "-" + hash},
		Spec:       appsv1.ReplicaSetSpec{Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pods := make([]*corev1.Pod, n)
	for i := range pods {
		p := &corev1.Pod{ObjectMeta: *template.ObjectMeta.DeepCopy(), Spec: *template.Spec.DeepCopy()}
		maps.Copy(p.Labels, f.labels)
		p.GenerateName = set.Name + "-"
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: set.Name, UID: set.UID, Controller: &yes}}
		if pods[i], err = f.CoreV1().Pods(ns).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return pods
}

// row is what of a coverage.Row a test asks for.
type row struct {
	workload, exporter, state, reason string
	pods                              int
}

// report is what the controller says of a namespace, or why it says nothing.
func (c *controller) report(t *testing.T, ns string) (coverage.Report, string) {
	t.Helper()
	body, status := endpoint.Get("http://" + c.metrics + coverage.ReportPath + "?namespace=" + ns)
	if status != http.StatusOK {
		return coverage.Report{}, fmt.Sprintf("%s: %d %s", coverage.ReportPath, status, body)
	}
	var r coverage.Report
	decodeInto(t, []byte(body), &r)
	return r, ""
}

// covers waits until these are all rows of a namespace.
func (c *controller) covers(t *testing.T, ns string, want ...row) {
	t.Helper()
	eventually(t, func() string {
		r, wrong := c.report(t, ns)
		if wrong != "" {
			return wrong
		}
		var got []row
		for _, r := range r.Rows {
			got = append(got, row{r.Kind + "/" + r.Name, r.Exporter, string(r.State), string(r.Reason), r.Pods})
		}
		return cmp.Diff(want, got, cmp.AllowUnexported(row{}))
	})
}

func (c *controller) gauge(t *testing.T, series string, want float64) {
	t.Helper()
	eventually(t, func() string {
		if got := c.metric(t, series); got != want {
			return fmt.Sprintf("%s is %v, want %v", series, got, want)
		}
		return ""
	})
}

// Pods are created while no replica runs, or before anybody asked; when a replica is back it says of each what became
// of it, and why.
func TestCoverageAfterAnOutage(t *testing.T) {
	t.Run("all pods", func(t *testing.T) { testCoverageAfterAnOutage(t, nil) })
	// As the API server's policy labels pods: those from before it have no label.
	t.Run("by label", func(t *testing.T) {
		testCoverageAfterAnOutage(t, map[string]string{sidecars.RequestedKey: sidecars.RequestedByPolicy}, "--coverage-by-label", "--sweep-interval=2s")
	})
}

func testCoverageAfterAnOutage(t *testing.T, labels map[string]string, flags ...string) {
	f := newCovered(t)
	ns := namespace(t, f, nil)
	optedIn := namespace(t, f, map[string]string{sidecars.InjectKey: sidecars.InjectEnabled})
	f.replicas(t, ns, "cache", "redis:7", 20, map[string]string{sidecars.InjectKey: "redis"})
	f.replicas(t, ns, "shop", "example.org/shop:1", 2, map[string]string{sidecars.InjectKey: "nothing-of-the-kind"})
	f.replicas(t, ns, "quiet", "redis:7", 2, nil)
	f.replicas(t, ns, "out", "redis:7", 2, map[string]string{sidecars.InjectKey: "false"})
	f.replicas(t, optedIn, "web", "nginx:1", 3, nil)
	f.replicas(t, optedIn, "app", "example.org/app:1", 3, nil)
	f.replicas(t, optedIn, "out", "nginx:1", 2, map[string]string{sidecars.InjectKey: "false"})
	f.replicas(t, "kube-system", "web", "nginx:1", 1, map[string]string{sidecars.InjectKey: "nginx"})
	ended := f.replicas(t, ns, "job", "redis:7", 1, map[string]string{sidecars.InjectKey: "redis"})[0]
	ended.Status.Phase = corev1.PodSucceeded
	updateStatus(t, f, ended)

	ctl := f.launch(t, flags...)
	t.Cleanup(ctl.stop)
	f.labels = labels
	missed := row{"Deployment/cache", "redis", "missed", "Annotated", 20}
	refused := row{"Deployment/shop", "unknown", "refused", "UnknownExporter", 2}
	ctl.covers(t, ns, missed, refused)
	ctl.covers(t, optedIn, row{"Deployment/web", "nginx", "missed", "Recognized", 3})
	ctl.covers(t, "kube-system")
	ctl.gauge(t, fmt.Sprintf(`outrider_coverage_pods{exporter="redis",namespace="%s",state="missed"}`, ns), 20)
	ctl.gauge(t, fmt.Sprintf(`outrider_coverage_pods{exporter="redis",namespace="%s",state="injected"}`, ns), 0)
	ctl.gauge(t, `outrider_coverage_dropped_series`, 0)
	f.hasEvent(t, ns, "ReplicaSet", "ExporterMissing", "redis: 20 pods without their exporter", "kubectl -n "+ns+" rollout restart deployment/cache")
	f.hasEvent(t, ns, "ReplicaSet", "UnknownExporter", "nothing-of-the-kind")

	// From now on they are decided at once, and count as what they are.
	f.replicas(t, ns, "new", "redis:7", 2, map[string]string{sidecars.InjectKey: "redis"})
	injected := row{"Deployment/new", "redis", "injected", "Annotated", 2}
	ctl.covers(t, ns, missed, injected, refused)
	must(t)(nil, f.CoreV1().Pods(ns).DeleteCollection(t.Context(), now, metav1.ListOptions{LabelSelector: "app=cache"}))
	ctl.covers(t, ns, injected, refused)
	ctl.gauge(t, fmt.Sprintf(`outrider_coverage_pods{exporter="redis",namespace="%s",state="missed"}`, ns), 0)

	// A namespace that is opted in later has missed what runs there, and has not when that is taken back.
	label(t, f, ns, `"enabled"`)
	ctl.covers(t, ns, injected, row{"Deployment/quiet", "redis", "missed", "Recognized", 2}, refused)
	label(t, f, ns, `null`)
	ctl.covers(t, ns, injected, refused)
}

var now = metav1.DeleteOptions{GracePeriodSeconds: new(int64)}

func label(t *testing.T, c kubernetes.Interface, ns, value string) {
	t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%s}}}`, sidecars.InjectKey, value)
	must(t)(c.CoreV1().Namespaces().Patch(t.Context(), ns, types.MergePatchType, []byte(patch), metav1.PatchOptions{}))
}

// hasEvent waits for an event whose note has all these parts in it.
func (f *covered) hasEvent(t *testing.T, ns, kind, reason string, parts ...string) {
	t.Helper()
	eventually(t, func() string {
		list, err := f.EventsV1().Events(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		var others []string
	next:
		for _, e := range list.Items {
			others = append(others, fmt.Sprintf("%s %s: %s", e.Regarding.Kind, e.Reason, e.Note))
			if e.Regarding.Kind != kind || e.Reason != reason || e.Regarding.UID == "" {
				continue
			}
			for _, p := range parts {
				if !strings.Contains(e.Note, p) {
					continue next
				}
			}
			return ""
		}
		return fmt.Sprintf("no event %s on a %s with %q; there are:\n%s", reason, kind, parts, strings.Join(others, "\n"))
	})
}

// A changed definition makes the pods that have the old one stale; the Exporter itself counts them.
func TestCoverageOfACustomExporter(t *testing.T) {
	f := newCovered(t)
	ctl := f.launch(t)
	t.Cleanup(ctl.stop)
	c := exportersOf(t, f.Config())
	must(t)(nil, c.Create(t.Context(), varnish(t, `{}`), strict))
	told(t, c, "varnish", metav1.ConditionTrue, "InForce")
	ns := namespace(t, f, nil)
	f.replicas(t, ns, "cache", "varnish:7", 2, map[string]string{sidecars.InjectKey: "varnish"})
	ctl.covers(t, ns, row{"Deployment/cache", "varnish", "injected", "Annotated", 2})

	unlike := varnish(t, `{spec: {recognize: {images: [varnish, varnish-enterprise]}}}`) // which no container shows
	patch(t, c, "varnish", unlike.Object)
	told(t, c, "varnish", metav1.ConditionTrue, "InForce")
	ctl.covers(t, ns, row{"Deployment/cache", "varnish", "injected", "Annotated", 2})
	newer := varnish(t, `{spec: {image: "docker.io/jonnenauha/prometheus_varnish_exporter:1.6.2"}}`)
	patch(t, c, "varnish", newer.Object)
	ctl.covers(t, ns, row{"Deployment/cache", "varnish", "stale", "Annotated", 2})
	ctl.gauge(t, fmt.Sprintf(`outrider_coverage_pods{exporter="varnish",namespace="%s",state="stale"}`, ns), 2)

	counted := func(want v1alpha1.ExporterCoverage) {
		t.Helper()
		eventually(t, func() string { return cmp.Diff(&want, stored(t, c, "varnish").Status.Coverage) })
	}
	counted(v1alpha1.ExporterCoverage{Stale: 2})
	if e := stored(t, c, "varnish"); len(e.Status.Conditions) != 2 {
		t.Errorf("conditions %+v, want Ready beside Covered", e.Status.Conditions)
	}
}

// Series are bounded, and what is left out is summed up.
func TestCoverageSeriesAreBounded(t *testing.T) {
	f := newCovered(t)
	trouble := ""
	for i := range 6 {
		ns := namespace(t, f, nil)
		if i == 4 {
			f.replicas(t, ns, "missed", "redis:7", 1, map[string]string{sidecars.InjectKey: "redis"})
			trouble = ns
		}
	}
	ctl := f.launch(t, "--coverage-series=5")
	t.Cleanup(ctl.stop)
	list, err := f.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, ns := range list.Items {
		if strings.HasPrefix(ns.Name, "test-") && ns.Name != trouble {
			f.replicas(t, ns.Name, "fine", "redis:7", 2, map[string]string{sidecars.InjectKey: "redis"})
			n += 2
		}
	}
	ctl.gauge(t, `outrider_coverage_pods{exporter="redis",namespace="`+trouble+`",state="missed"}`, 1)
	eventually(t, func() string {
		if got := ctl.metric(t, `outrider_coverage_pods{`); got != float64(n+1) {
			return fmt.Sprintf("%v pods, want %d", got, n+1)
		}
		return ""
	})
	// Of each namespace: injected and missed. The one in trouble fits, and one more.
	ctl.gauge(t, `outrider_coverage_dropped_series`, float64(4*2))
	ctl.gauge(t, `outrider_coverage_pods{exporter="redis",namespace="",state="injected"}`, 8)
}

// A replica that does not lead says so, and has no gauges.
func TestCoverageIsTheLeaders(t *testing.T) {
	f := newCovered(t)
	first := f.launch(t)
	t.Cleanup(sync.OnceFunc(first.stop))
	first.covers(t, "default")
	second := launch(t, "--kubeconfig="+f.Kubeconfig(), "--webhook-bind-address="+endpoint.FreeFor(t))
	t.Cleanup(second.stop)
	if body, status := endpoint.Get("http://" + second.metrics + coverage.ReportPath); status != http.StatusServiceUnavailable {
		t.Errorf("%d %s", status, body)
	}
	if body, _ := endpoint.Get("http://" + second.metrics + "/metrics"); strings.Contains(body, "outrider_coverage") {
		t.Error("the replica that does not lead has gauges")
	}
}
