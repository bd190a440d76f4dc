package discovery

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// container returns a container with one TCP port, or with none when the port's name is empty.
func container(name, portName string, port int32) corev1.Container {
	c := corev1.Container{Name: name, Image: name + ":1"}
	if portName != "" {
		c.Ports = []corev1.ContainerPort{{Name: portName, ContainerPort: port, Protocol: corev1.ProtocolTCP}}
	}
	return c
}

// pod returns a running, monitored pod with an app and the given containers.
func pod(containers ...corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "cache-0", Namespace: "shop", UID: "u",
			Labels: map[string]string{"outrider.dev/monitored": "true", "app": "cache"},
		},
		Spec: corev1.PodSpec{
			NodeName:   "node-a",
			Containers: append([]corev1.Container{container("redis", "redis", 6379)}, containers...),
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.244.0.7", HostIP: "10.240.0.1"},
	}
}

// want is the target that pod's exporter becomes at an address.
func want(exporter, address string) Target {
	return Target{
		URL: "http://" + address + "/metrics",
		Labels: map[string]string{
			"job": exporter, "instance": address, "namespace": "shop", "pod": "cache-0",
			"container": "outrider-" + exporter, "node": "node-a",
		},
	}
}

func TestTargets(t *testing.T) {
	redis := container("outrider-redis", "outrider-9121", 9121)
	nginx := container("outrider-nginx", "outrider-9113", 9113)
	one := []Target{want("redis", "10.244.0.7:9121")}
	edit := func(f func(*corev1.Pod)) *corev1.Pod {
		p := pod(redis)
		f(p)
		return p
	}
	unscheduled := want("redis", "10.244.0.7:9121")
	delete(unscheduled.Labels, "node")

	essential := func(value string) *corev1.Pod {
		p := pod(redis, nginx)
		p.Annotations = map[string]string{"outrider.dev/essential": value}
		return p
	}
	kept := want("redis", "10.244.0.7:9121")
	kept.Labels[profileLabel] = "essential"

	for _, tc := range []struct {
		name string
		pod  *corev1.Pod
		want []Target
	}{
		{"one exporter", pod(redis), one},
		{"essential, one of two", essential("memcached,redis"), []Target{kept, want("nginx", "10.244.0.7:9113")}},
		{"essential, part of a name", essential("redis-x,x-redis,ngin"), []Target{want("redis", "10.244.0.7:9121"), want("nginx", "10.244.0.7:9113")}},
		{"essential, too long", essential("redis" + strings.Repeat(",redis", 200)), []Target{want("redis", "10.244.0.7:9121"), want("nginx", "10.244.0.7:9113")}},
		{"two exporters", pod(redis, nginx), []Target{want("redis", "10.244.0.7:9121"), want("nginx", "10.244.0.7:9113")}},
		{"native sidecar", edit(func(p *corev1.Pod) {
			p.Spec.Containers, p.Spec.InitContainers = p.Spec.Containers[:1], []corev1.Container{redis}
		}), one},
		{"no exporter", pod(), nil},
		{"another's sidecar", pod(container("outriders-redis", "outrider-9121", 9121), container("my-outrider-redis", "outrider-9122", 9122)), nil},
		{"name without exporter", pod(container("outrider-", "outrider-9121", 9121)), nil},
		{"named by hand after a job of the stack", pod(container("outrider-prometheus", "outrider-9121", 9121), container("outrider-outrider-controller", "outrider-9122", 9122)), nil},
		{"port of another name", pod(container("outrider-redis", "metrics", 9121)), nil},
		{"port name without number", pod(container("outrider-redis", "outrider-", 9121)), nil},
		{"container without port", pod(container("outrider-redis", "", 0)), nil},
		{"second port", edit(func(p *corev1.Pod) {
			c := &p.Spec.Containers[1]
			c.Ports = append(c.Ports, corev1.ContainerPort{Name: "pprof", ContainerPort: 6060})
		}), one},
		{"unlabeled", edit(func(p *corev1.Pod) { delete(p.Labels, "outrider.dev/monitored") }), nil},
		{"labeled otherwise", edit(func(p *corev1.Pod) { p.Labels["outrider.dev/monitored"] = "false" }), nil},
		{"no labels", edit(func(p *corev1.Pod) { p.Labels = nil }), nil},
		{"no address", edit(func(p *corev1.Pod) { p.Status.PodIP = "" }), nil},
		{"IPv6", edit(func(p *corev1.Pod) { p.Status.PodIP = "fd00::7" }), []Target{want("redis", "[fd00::7]:9121")}},
		{"unscheduled, with a placeholder address", edit(func(p *corev1.Pod) { p.Spec.NodeName, p.Status.Phase = "", "" }), []Target{unscheduled}},
		{"pending", edit(func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }), one},
		{"unknown", edit(func(p *corev1.Pod) { p.Status.Phase = corev1.PodUnknown }), one},
		{"succeeded", edit(func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }), nil},
		{"failed", edit(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }), nil},
		{"not ready", edit(func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse}}
		}), one},
		{"being deleted", edit(func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{} }), one},
		{"prometheus.io annotations and labels named like ours", edit(func(p *corev1.Pod) {
			p.Annotations = map[string]string{"prometheus.io/port": "1", "prometheus.io/path": "/x", "prometheus.io/scheme": "https"}
			p.Labels["job"], p.Labels["namespace"] = "mine", "mine"
		}), one},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := tc.pod.DeepCopy()
			got, err := Targets(tc.pod)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("targets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.pod); diff != "" {
				t.Errorf("the pod was modified (-before +after):\n%s", diff)
			}
		})
	}
}

// Every built-in exporter that is asked for becomes exactly one target: the sidecar, wherever it stands, or the
// endpoint of a workload that serves metrics itself.
func TestEveryExporterIsOneTarget(t *testing.T) {
	for _, exporter := range sidecars.Builtin().Names() {
		for _, placement := range []string{sidecars.PlacementContainer, sidecars.PlacementNative} {
			t.Run(exporter+" as "+placement, func(t *testing.T) {
				p := pod()
				p.Labels = nil
				p.Annotations = map[string]string{sidecars.InjectKey: exporter, sidecars.PlacementKey: placement}
				spec, _ := sidecars.Builtin().Spec(exporter)
				if spec.Credentials != nil {
					p.Annotations[exporter+"."+sidecars.Domain+"/secret"] = "login"
				}
				if spec.Type == v1alpha1.Native || exporter == "postfix" { // nothing shows the port of its queue
					p.Annotations[exporter+"."+sidecars.Domain+"/port"] = strconv.Itoa(int(spec.Port))
				}
				plan := sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin())
				expected := want(exporter, fmt.Sprintf("10.244.0.7:%d", spec.Port))
				if spec.Type == v1alpha1.Native {
					delete(expected.Labels, "container")
					if spec.Path != "" {
						expected.URL = "http://" + expected.Labels["instance"] + spec.Path
					}
				}
				got, err := Targets(plan.Apply(p))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]Target{expected}, got); diff != "" {
					t.Errorf("targets (-want +got):\n%s\ndecisions: %+v", diff, plan.Decisions)
				}
			})
		}
	}
}

// A pod that no API server would accept is refused as Prometheus refuses it.
func TestTargetsRefused(t *testing.T) {
	for name, edit := range map[string]func(*corev1.Pod){
		"not UTF-8": func(p *corev1.Pod) { p.Name = "\xff" },
		"a path":    func(p *corev1.Pod) { p.Status.PodIP = "10.0.0.1/x" },
	} {
		t.Run(name, func(t *testing.T) {
			p := pod(container("outrider-redis", "outrider-9121", 9121))
			edit(p)
			if got, err := Targets(p); err == nil {
				t.Errorf("no error, got targets %v", got)
			}
		})
	}
}

func BenchmarkTargets(b *testing.B) {
	exporter, endpoints := pod(container("outrider-redis", "outrider-9121", 9121)), pod()
	endpoints.Annotations = map[string]string{sidecars.ScrapeKey: "app=8080, db=9100/m, https:8443"}
	hostile := pod()
	hostile.Annotations = map[string]string{sidecars.ScrapeKey: "8080" + strings.Repeat(" ", 200_000)}
	for name, p := range map[string]*corev1.Pod{"exporter": exporter, "endpoints": endpoints, "hostile": hostile} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Targets(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
