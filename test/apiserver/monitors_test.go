package apiserver_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	monitors "github.com/outrider-dev/outrider/discovery/monitors/controller"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/webhook/events"
)

// followMonitors runs what follows monitors, on an API server of its own, until the test ends.
func followMonitors(t *testing.T, server *kube.APIServer) *prometheus.Registry {
	t.Helper()
	var o monitors.Options
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	o.AddFlags(fs)
	flags := []string{"-monitor-configmap=monitors", `-monitor-defaults={"scrape_interval":"5s","sample_limit":1000}`, "-monitor-secret=shop/api-login=copy"}
	if err := fs.Parse(flags); err != nil {
		t.Fatal(err)
	}
	o.Namespace = "default"
	mgr, err := ctrl.NewManager(server.Config(), ctrl.Options{Metrics: metricsserver.Options{BindAddress: "0"}})
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	recorder := mgr.GetEventRecorder("outrider")
	c := &monitors.Controller{Options: o, Report: func(on runtime.Object, message string) {
		events.MonitorNotFollowed.Record(recorder, on, "%s", message)
	}}
	if err := c.SetupWithManager(mgr, registry); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- mgr.Start(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return registry
}

// written are the files that the controller wrote.
func written(t *testing.T, c kubernetes.Interface) map[string]string {
	t.Helper()
	found, err := c.CoreV1().ConfigMaps("default").Get(t.Context(), "monitors", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found.Data
}

// wait waits until the files hold a text, or no longer do.
func wait(t *testing.T, c kubernetes.Interface, text string, held bool) {
	t.Helper()
	eventually(t, func() string {
		all := strings.Join(slices.Collect(maps.Values(written(t, c))), "\n")
		if strings.Contains(all, text) != held {
			return fmt.Sprintf("%q is held: %v, want %v", text, !held, held)
		}
		return ""
	})
}

// TestMonitors follows monitors of the usual shapes on a real API server with Prometheus Operator's own definitions, which
// come late; a real Prometheus loads the files and finds the targets.
func TestMonitors(t *testing.T) {
	server, c := ownServer(t)
	dynamic, err := ctrlclient.New(server.Config(), ctrlclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	must(t)(c.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "monitors"}, Data: map[string]string{"rules.yaml": "of kinds that are gone"},
	}, metav1.CreateOptions{}))
	registry := followMonitors(t, server)
	wait(t, c, "of kinds that are gone", false)

	defineOthers(t, dynamic)
	for _, name := range []string{"shop", "infra", "ingress", "edge"} {
		must(t)(c.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}))
	}
	raw, err := os.ReadFile("../../discovery/monitors/testdata/monitors.yaml")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { // the definitions are served a moment later
		if err := (applier{dynamic}).apply(t, raw); err != nil {
			return err.Error()
		}
		return ""
	})
	wait(t, c, "serviceMonitor/shop/with-a-login/2", true)
	wait(t, c, "shop/shop/shop.rules", true)
	prom := loadWritten(t, server, written(t, c))

	t.Run("targets", func(t *testing.T) { findsTargets(t, c, prom) })
	t.Run("rules", func(t *testing.T) {
		loaded, err := prom.Rules(t.Context(), nil)
		if err != nil || len(loaded.Groups) != 1 || len(loaded.Groups[0].Rules) != 3 {
			t.Errorf("rules %+v, %v", loaded, err)
		}
	})
	t.Run("a login without a copy", func(t *testing.T) {
		apply(t, dynamic, `{apiVersion: monitoring.coreos.com/v1, kind: PodMonitor, metadata: {name: late, namespace: infra}, spec: {selector: {},
			podMetricsEndpoints: [{port: kept}, {port: login, basicAuth: {password: {name: x, key: word}}}]}}`)
		wait(t, c, "podMonitor/infra/late/0", true)
		wait(t, c, "podMonitor/infra/late/1", false)
		hasEvent(t, c, "infra", "spec.podMetricsEndpoints[1].basicAuth.password: Secret infra/x is not read")
		families, err := registry.Gather()
		if err != nil || !strings.Contains(fmt.Sprint(families), "spec.podMetricsEndpoints[1].basicAuth.password") {
			t.Errorf("metrics %v, %v", families, err)
		}
	})
	t.Run("deleted", func(t *testing.T) {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "PodMonitor"})
		u.SetNamespace("infra")
		u.SetName("late")
		if err := dynamic.Delete(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		wait(t, c, "podMonitor/infra/late/0", false)
	})
}

func apply(t *testing.T, dynamic ctrlclient.Client, object string) {
	t.Helper()
	if err := (applier{dynamic}).apply(t, []byte(object)); err != nil {
		t.Fatal(err)
	}
}

// loadWritten runs the real Prometheus with the files, and points their discoveries at the API server.
func loadWritten(t *testing.T, server *kube.APIServer, files map[string]string) promv1.API {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		text = strings.ReplaceAll(text, "  - namespaces:\n", "  - kubeconfig_file: "+server.Kubeconfig()+"\n    namespaces:\n")
		text = strings.ReplaceAll(text, "  - role: endpointslice\n", "  - kubeconfig_file: "+server.Kubeconfig()+"\n    role: endpointslice\n")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("scrape_config_files: ["+dir+"/scrape.yaml]\nrule_files: ["+dir+"/rules.yaml]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return runServer(t, config)
}

// findsTargets creates what the monitors select, beside what they do not, and compares the labels of the targets.
func findsTargets(t *testing.T, c kubernetes.Interface, prom promv1.API) {
	redis := map[string]string{"app.kubernetes.io/name": "redis", "app.kubernetes.io/component": "metrics", "team": "shop"}
	serve(t, c, "shop", "redis", redis, map[string]int32{"http-metrics": 9121, "redis": 6379})
	serve(t, c, "shop", "redis-headless", map[string]string{"app.kubernetes.io/name": "redis"}, map[string]int32{"http-metrics": 9121})
	serve(t, c, "infra", "redis", redis, map[string]int32{"http-metrics": 9121}) // another namespace
	serve(t, c, "edge", "proxy", map[string]string{"app": "edge.proxy", "tier": "front"}, map[string]int32{"metrics": 9100})
	serve(t, c, "edge", "canary", map[string]string{"app": "edge.proxy", "tier": "front", "canary": ""}, map[string]int32{"metrics": 9100})
	serve(t, c, "edge", "off", map[string]string{"app": "edge.proxy", "tier": "front", "prometheus.io/service-monitor": "false"}, map[string]int32{"metrics": 9100})
	serve(t, c, "edge", "almost", map[string]string{"app": "edge-proxy", "tier": "front"}, map[string]int32{"metrics": 9100})
	want := map[string]map[string]string{
		"serviceMonitor/shop/by-port-name/0": {
			"job": "redis", "namespace": "shop", "service": "redis", "pod": "redis", "container": "redis", "endpoint": "http-metrics", "team": "shop",
			"app_kubernetes_io_version": "7", "instance": "10.244.0.7:9121",
		},
		"serviceMonitor/ingress/two-endpoints-of-other-namespaces/0": {
			"job": "proxy", "namespace": "edge", "service": "proxy", "pod": "proxy", "container": "proxy", "endpoint": "metrics", "node": "node-a",
			"app_kubernetes_io_version": "7", "instance": "10.244.0.7:9100",
		},
	}
	eventually(t, func() string {
		found, err := prom.Targets(t.Context())
		if err != nil {
			return err.Error()
		}
		got := map[string]map[string]string{}
		for _, target := range found.Active {
			if labels := map[string]string{}; strings.HasPrefix(target.ScrapePool, "serviceMonitor/") {
				for name, value := range target.Labels {
					labels[string(name)] = string(value)
				}
				if got[target.ScrapePool] != nil {
					return target.ScrapePool + " has more than one target"
				}
				got[target.ScrapePool] = labels
			}
		}
		return cmp.Diff(want, got)
	})
}

// serve creates a Service and what the cluster's controllers would make of it: a pod and an EndpointSlice.
func serve(t *testing.T, c kubernetes.Interface, namespace, name string, labels map[string]string, ports map[string]int32) {
	t.Helper()
	p := basePod(namespace, name)
	p.Labels = map[string]string{"app.kubernetes.io/version": "7"}
	p.Spec.Containers = []corev1.Container{{Name: name, Image: name + ":1"}}
	var service []corev1.ServicePort
	var slice []discoveryv1.EndpointPort
	for port, number := range ports {
		p.Spec.Containers[0].Ports = append(p.Spec.Containers[0].Ports, corev1.ContainerPort{Name: port, ContainerPort: number})
		service = append(service, corev1.ServicePort{Name: port, Port: number})
		slice = append(slice, discoveryv1.EndpointPort{Name: &port, Port: &number})
	}
	createPod(t, c, p)
	ctx := t.Context()
	must(t)(c.CoreV1().Services(namespace).Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: corev1.ServiceSpec{Ports: service}}, metav1.CreateOptions{}))
	ready := true
	must(t)(c.DiscoveryV1().EndpointSlices(namespace).Create(ctx, &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}}, AddressType: discoveryv1.AddressTypeIPv4, Ports: slice,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{"10.244.0.7"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: name},
		}},
	}, metav1.CreateOptions{}))
}

// hasEvent waits for an event of a namespace with a text.
func hasEvent(t *testing.T, c kubernetes.Interface, namespace, text string) {
	t.Helper()
	eventually(t, func() string {
		all, err := c.EventsV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		var notes []string
		for _, e := range all.Items {
			if strings.Contains(e.Note, text) {
				return ""
			}
			notes = append(notes, e.Note)
		}
		return fmt.Sprintf("no event with %q: %q", text, notes)
	})
}
