package apiserver_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/webhook/coverage"
)

// page serves so many series in the place of a pod's exporter, and an error where they are below zero.
func (p *proofs) page(t *testing.T, pod *corev1.Pod, series int64) *atomic.Int64 {
	t.Helper()
	n := &atomic.Int64{}
	n.Store(series)
	c := pod.Spec.Containers[1]
	spec, _ := sidecars.Builtin().Spec(strings.TrimPrefix(c.Name, sidecars.ContainerPrefix))
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", pod.Status.PodIP, c.Ports[0].ContainerPort))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		series := n.Load()
		if series < 0 {
			http.Error(w, "no series now", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, spec.UpMetric, 1)
		for i := range series - 1 {
			fmt.Fprintf(w, "keys{key=\"%d\"} 1\n", i)
		}
	}))
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return n
}

// annotate sets an annotation of a namespace.
func (f *covered) annotate(t *testing.T, ns, key, value string) {
	t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, key, value)
	must(t)(f.CoreV1().Namespaces().Patch(t.Context(), ns, types.MergePatchType, []byte(patch), metav1.PatchOptions{}))
}

// scalar is what Prometheus says to a query of one value, and -1 where it says nothing.
func scalar(t *testing.T, url, query string) float64 {
	t.Helper()
	c, err := promapi.NewClient(promapi.Config{Address: url})
	if err != nil {
		t.Fatal(err)
	}
	value, _, _, err := promv1.NewAPI(c).Query(t.Context(), query, time.Time{})
	if vector, ok := value.(model.Vector); err == nil && ok && len(vector) == 1 {
		return float64(vector[0].Value)
	}
	return -1
}

// profile is the profile of a new pod, which is not kept.
func (f *covered) profile(t *testing.T, ns string) sidecars.Profile {
	t.Helper()
	pod, err := f.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "new", Annotations: map[string]string{sidecars.InjectKey: "redis"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "redis:7"}}},
	}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	decisions := sidecars.ParseStatus(pod).Decisions
	if len(pod.Spec.Containers) != 2 || len(decisions) != 1 {
		t.Fatalf("a new pod has no exporter: %+v", decisions)
	}
	return decisions[0].Profile
}

// A namespace's exporters grow beyond its budget of series and shrink again; its neighbor loses nothing.
func TestSeriesBudget(t *testing.T) {
	f := newCovered(t)
	url, _ := f.prometheus(t)
	ctl := f.launch(t, "--prometheus-url="+url, "--proof-interval=5s")
	t.Cleanup(func() { ctl.stop() })
	p := newProofs(t, f)
	neighbor := namespace(t, f, nil)
	f.annotate(t, p.ns, sidecars.BudgetKey, "1000")
	cache, web := p.page(t, p.pod(t, "cache", "redis", "6379"), 300), p.page(t, p.pod(t, "web", "nginx", "80"), 100)
	of := p.ns
	p.ns = neighbor
	p.page(t, p.pod(t, "cache", "redis", "6379"), 50)
	p.ns = of
	series := fmt.Sprintf(`outrider_namespace_series{namespace=%q}`, of)
	full := fmt.Sprintf(`outrider_namespace_series_exhausted{namespace=%q}`, of)
	ctl.gauge(t, series, 400)
	ctl.gauge(t, fmt.Sprintf(`outrider_namespace_series_budget{namespace=%q}`, of), 1000)
	ctl.gauge(t, full, 0)
	lost := func() {
		t.Helper()
		if got := scalar(t, url, fmt.Sprintf(`min(min_over_time(up{namespace=%q}[10m]))`, neighbor)); got != 1 {
			t.Errorf("the neighbor's samples: %v, want 1 in each", got)
		}
	}

	cache.Store(750)
	ctl.gauge(t, series, 850)
	f.hasEvent(t, of, "Namespace", "SeriesBudgetNearlyUsed", "850 of the 1000 series of outrider.dev/budget", "redis 750, nginx 100")
	if got := f.profile(t, of); got != "" {
		t.Errorf("a new pod has the profile %q at 85 %% of the budget", got)
	}
	web.Store(400)
	ctl.gauge(t, full, 1)
	f.hasEvent(t, of, "Namespace", "SeriesBudgetExhausted", "1150 of the 1000 series", "redis 750, nginx 400")
	eventually(t, func() string {
		if got := f.profile(t, of); got != sidecars.Essential {
			return fmt.Sprintf("a new pod has the profile %q above the budget", got)
		}
		return ""
	})
	if got := f.profile(t, neighbor); got != "" {
		t.Errorf("the neighbor's new pod has the profile %q", got)
	}
	lost()

	// Another leader finds what is stored: below the budget and above 80 % the state goes on.
	web.Store(150)
	ctl.gauge(t, series, 900)
	ctl.stop()
	ctl = f.launch(t, "--prometheus-url="+url, "--proof-interval=5s")
	ctl.gauge(t, series, 900)
	ctl.gauge(t, full, 1)
	if got := f.profile(t, of); got != sidecars.Essential {
		t.Errorf("a new pod has the profile %q after a change of the leader", got)
	}
	// A scrape that fails gives no room back.
	cache.Store(-1)
	ctl.gauge(t, series, 150)
	cache.Store(750)
	ctl.gauge(t, series, 900)
	ctl.gauge(t, full, 1)
	cache.Store(100)
	ctl.gauge(t, full, 0)
	f.hasEvent(t, of, "Namespace", "SeriesBudgetRestored", "250 of the 1000 series")
	eventually(t, func() string {
		if got := f.profile(t, of); got != "" {
			return fmt.Sprintf("a new pod has the profile %q with room again", got)
		}
		return ""
	})

	f.annotate(t, of, sidecars.BudgetKey, "1k")
	f.hasEvent(t, of, "Namespace", "SeriesBudgetIgnored", `outrider.dev/budget: "1k" is no number of series`)
	eventually(t, func() string {
		if got := ctl.metric(t, series); got != 0 {
			return fmt.Sprintf("%v series of a budget that there is not", got)
		}
		return ""
	})
	lost()
}

// Where no Prometheus is asked a budget has no effect, and that is said.
func TestSeriesBudgetWithoutPrometheus(t *testing.T) {
	f := newCovered(t)
	ns := namespace(t, f, nil)
	f.annotate(t, ns, sidecars.BudgetKey, "1000")
	ctl := f.launch(t, "--proof-interval=1s")
	t.Cleanup(ctl.stop)
	f.hasEvent(t, ns, "Namespace", "SeriesBudgetIgnored", "controller.prometheusURL")
	if got := f.profile(t, ns); got != "" {
		t.Errorf("a new pod has the profile %q", got)
	}
}

// An exporter that serves more than its definition's limit fails alone, and it is said which. One of a larger limit does not.
func TestRunawayExporterFailsAlone(t *testing.T) {
	f := newCovered(t)
	url, _ := f.prometheus(t)
	ctl := f.launch(t, "--prometheus-url="+url, "--proof-interval=1s")
	t.Cleanup(ctl.stop)
	p := newProofs(t, f)
	runaway := p.page(t, p.pod(t, "runaway", "nginx", "80"), 100)
	p.page(t, p.pod(t, "alike", "nginx", "81"), 5000)
	p.page(t, p.pod(t, "larger", "redis", "6379"), 20000)
	p.page(t, p.pod(t, "largest", "postgres", "5432"), 30000)
	for _, pod := range []string{"runaway", "alike", "larger", "largest"} {
		ctl.proven(t, p.ns, pod, coverage.Up, "")
	}
	runaway.Store(5001)
	ctl.proven(t, p.ns, "runaway", coverage.Down, coverage.ScrapeFailed, "sample limit exceeded")
	for _, pod := range []string{"alike", "larger", "largest"} {
		if got := scalar(t, url, fmt.Sprintf(`min_over_time(up{namespace=%q,pod=%q}[10m])`, p.ns, pod)); got != 1 {
			t.Errorf("%s lost samples: %v, want 1 in each", pod, got)
		}
	}
	if got := scalar(t, url, fmt.Sprintf(`scrape_samples_post_metric_relabeling{namespace=%q,pod="runaway"}`, p.ns)); got != 5001 {
		t.Errorf("Prometheus counts %v samples of the scrape that fails, and the alert goes by that", got)
	}
}
