package apiserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
)

// served are pods that serve metrics themselves, with what becomes of them as "JOB URL".
var served = []struct {
	value string
	edit  func(*corev1.Pod)
	want  []string
}{
	{value: "8080", want: []string{"cache http://10.244.0.7:8080/metrics"}},
	{value: "6379", want: []string{"cache http://10.244.0.7:6379/metrics"}}, // declared
	{value: "8080/stats", edit: undeclared, want: []string{"cache http://10.244.0.7:8080/stats"}},
	{value: "8080", edit: many, want: []string{"cache http://10.244.0.7:8080/metrics", "redis http://10.244.0.7:9121/metrics"}},
	{value: "https:8443/admin/metrics", want: []string{"cache https://10.244.0.7:8443/admin/metrics"}},
	{value: "rabbitmq=15692, app=8080/m ,https:9443", edit: many, want: []string{
		"app http://10.244.0.7:8080/m", "cache https://10.244.0.7:9443/metrics", "rabbitmq http://10.244.0.7:15692/metrics", "redis http://10.244.0.7:9121/metrics",
	}},
	{value: "8080,a=8080/x,8080/y", want: []string{"a http://10.244.0.7:8080/x", "cache http://10.244.0.7:8080/metrics"}},
	{value: "8080,https:8443", edit: func(p *corev1.Pod) { p.Status.PodIP = "fd00::7" }, want: []string{
		"cache http://[fd00::7]:8080/metrics", "cache https://[fd00::7]:8443/metrics",
	}},
	{value: "8080", edit: func(p *corev1.Pod) { p.Labels["app.kubernetes.io/name"] = "prometheus" }, want: []string{"pods http://10.244.0.7:8080/metrics"}},
	{value: "8080", edit: func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }},
	{value: "8080", edit: func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }},
	{value: "8080", edit: func(p *corev1.Pod) { p.Status.PodIP, p.Status.Phase = "", corev1.PodPending }},

	{value: ""}, {value: "99999"}, {value: "0"}, {value: "1,2,3,4"}, {value: "8080,99999"}, {value: "8080,"},
	{value: "8080/../../x?y"}, {value: "8080@evil:1"}, {value: "evil:80"}, {value: "//evil/x"}, {value: "http://evil:80/"}, {value: "x y=1"},
	{value: "8080\n"}, {value: "8080\n9090"}, {value: "8080/x\nx"}, {value: "$1=1"}, {value: "a;b=1"}, {value: "8080" + strings.Repeat(" ", 100_000)},
	{value: "prometheus=8080"}, {value: "8080,kube-state-metrics=9090"}, {value: "outrider-exporters=8080"},
}

// undeclared leaves one container without a port.
func undeclared(p *corev1.Pod) {
	p.Spec.Containers = p.Spec.Containers[:1]
	p.Spec.Containers[0].Ports = nil
}

// many declares ports in several containers, init containers among them, beside an exporter.
func many(p *corev1.Pod) {
	c := exporter("redis", 9121)
	p.Spec.Containers[0].Ports = append(p.Spec.Containers[0].Ports, corev1.ContainerPort{Name: "http", ContainerPort: 8080}, corev1.ContainerPort{Name: "dns", ContainerPort: 8080, Protocol: corev1.ProtocolUDP})
	addContainer(p, corev1.Container{Name: "log", Image: "log:1"})
	addContainer(p, c)
	p.Spec.InitContainers = []corev1.Container{{Name: "setup", Image: "setup:1"}}
}

// TestEndpointsAgreeWithPrometheus requires of pods that serve metrics themselves what TestDiscoveryAgreesWithPrometheus
// does of exporters, and that Prometheus refuses nothing of what they write.
func TestEndpointsAgreeWithPrometheus(t *testing.T) {
	c := client(t)
	ns := namespace(t, c, nil)
	pods := make([]*corev1.Pod, len(served))
	for i, s := range served {
		p := basePod(ns, fmt.Sprintf("served-%d", i))
		p.Spec.Containers = p.Spec.Containers[:1]
		p.Annotations = map[string]string{sidecars.ScrapeKey: s.value}
		if s.edit != nil {
			s.edit(p)
		}
		pods[i] = createPod(t, c, p)
	}
	prom := startProm(t, string(discovery.Jobs()))
	prom.settle(t, c, ns)
	for i, s := range served {
		t.Run(fmt.Sprintf("%.40q", s.value), func(t *testing.T) {
			agree(t, prom, pods[i], len(s.want))
			targets, err := discovery.Targets(pods[i])
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, target := range targets {
				got = append(got, target.Labels["job"]+" "+target.URL)
			}
			slices.Sort(got)
			if diff := cmp.Diff(s.want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
		})
	}
	if n := prom.refused(t); n > 0 {
		t.Errorf("Prometheus refused %v targets", n)
	}
}
