package discovery

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	promdiscovery "github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The labels that no rule reads today must be right as well, for the day that one does: every label that Prometheus'
// own discovery makes of a pod is required, and no other.
func TestDiscoveredLabelsAreThoseOfPrometheus(t *testing.T) {
	yes := true
	full := pod(container("outrider-redis", "outrider-9121", 9121))
	full.Annotations = map[string]string{"redis.outrider.dev/port": "6379", "note": ""}
	full.Labels["app.kubernetes.io/name"] = "cache"
	full.OwnerReferences = []metav1.OwnerReference{{Kind: "Node", Name: "n"}, {Kind: "StatefulSet", Name: "cache", Controller: &yes}}
	full.Spec.InitContainers = []corev1.Container{container("setup", "", 0), container("outrider-nginx", "outrider-9113", 9113)}
	full.Spec.Containers[0].Ports = append(full.Spec.Containers[0].Ports, corev1.ContainerPort{ContainerPort: 53, Protocol: corev1.ProtocolUDP})
	full.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug"}}}
	full.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionFalse}}
	full.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "redis", ContainerID: "containerd://1"}}
	full.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "outrider-nginx", ContainerID: "containerd://2"}, {Name: "redis", ContainerID: "containerd://3"}}

	bare := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "bare", Namespace: "shop"}, Status: corev1.PodStatus{PodIP: "fd00::7"}}
	bare.Spec.Containers = []corev1.Container{container("app", "http", 80)}

	for _, p := range []*corev1.Pod{full, bare} {
		t.Run(p.Name, func(t *testing.T) {
			theirs := discovered(t, p)
			if diff := cmp.Diff(nonEmpty(theirs.Labels), dropEmpty(podLabels(p))); diff != "" {
				t.Errorf("pod labels (-Prometheus +ours):\n%s", diff)
			}
			var want, got []map[string]string
			for _, ls := range theirs.Targets {
				want = append(want, nonEmpty(ls))
			}
			for _, ls := range portLabels(p) {
				got = append(got, dropEmpty(ls))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("port labels (-Prometheus +ours):\n%s", diff)
			}
		})
	}
}

// nonEmpty leaves out labels without a value, which are no labels at all.
func nonEmpty(set model.LabelSet) map[string]string {
	ls := map[string]string{}
	for name, value := range set {
		ls[string(name)] = string(value)
	}
	return dropEmpty(ls)
}

func dropEmpty(ls map[string]string) map[string]string {
	for name, value := range ls {
		if value == "" {
			delete(ls, name)
		}
	}
	return ls
}

// discovered has Prometheus' discovery find one pod at an API server that knows no more than that pod.
func discovered(t *testing.T, p *corev1.Pod) *targetgroup.Group {
	t.Helper()
	server := httptest.NewServer(onePod(p))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	conf := &kubernetes.SDConfig{APIServer: promconfig.URL{URL: u}, Role: kubernetes.RolePod, HTTPClientConfig: promconfig.DefaultHTTPClientConfig}
	reg := prometheus.NewRegistry()
	metrics := conf.NewDiscovererMetrics(reg, promdiscovery.NewRefreshMetrics(reg))
	d, err := conf.NewDiscoverer(promdiscovery.DiscovererOptions{Logger: promslog.NewNopLogger(), Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	groups := make(chan []*targetgroup.Group)
	go d.Run(ctx, groups)
	return (<-groups)[0]
}

// onePod answers a list of pods with p and a watch of pods with nothing for as long as the client waits.
func onePod(p *corev1.Pod) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/pods", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("sendInitialEvents") != "" {
			http.Error(w, "this server lists", http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Has("watch") {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		list := corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Items: []corev1.Pod{*p}}
		list.ResourceVersion = "1"
		_ = json.NewEncoder(w).Encode(list) // the client is gone: the test has failed already
	})
	return mux
}
