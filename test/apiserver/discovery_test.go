package apiserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
)

// discovered are pods of every kind that makes a difference, by name. want counts the targets of each; -1 says that
// Prometheus must not even hear of the pod.
var discovered = map[string]struct {
	edit func(*corev1.Pod)
	want int
}{
	"injected":        {func(*corev1.Pod) {}, 1},
	"two-exporters":   {func(p *corev1.Pod) { addContainer(p, exporter("nginx", 9113)) }, 2},
	"native":          {native, 1},
	"mixed":           {func(p *corev1.Pod) { addContainer(p, exporter("nginx", 9113)); native(p) }, 2},
	"not-monitored":   {func(p *corev1.Pod) { delete(p.Labels, "outrider.dev/monitored") }, -1},
	"opted-out":       {func(p *corev1.Pod) { p.Labels["outrider.dev/monitored"] = "false" }, -1},
	"only-label":      {func(p *corev1.Pod) { p.Spec.Containers = p.Spec.Containers[:1] }, 0},
	"other-port-name": {func(p *corev1.Pod) { p.Spec.Containers[1].Ports[0].Name = "http" }, 0},
	"no-port":         {func(p *corev1.Pod) { p.Spec.Containers[1].Ports = nil }, 0},
	"second-port": {func(p *corev1.Pod) {
		c := &p.Spec.Containers[1]
		c.Ports = append(c.Ports, corev1.ContainerPort{Name: "pprof", ContainerPort: 6060})
	}, 1},
	"no-address":               {func(p *corev1.Pod) { p.Status.PodIP, p.Status.Phase = "", corev1.PodPending }, 0},
	"unscheduled":              {func(p *corev1.Pod) { p.Spec.NodeName, p.Status = "", corev1.PodStatus{Phase: corev1.PodPending} }, 0},
	"pending":                  {func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }, 1},
	"succeeded":                {func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }, 0},
	"failed":                   {func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed }, 0},
	"unknown":                  {func(p *corev1.Pod) { p.Status.Phase = corev1.PodUnknown }, 1},
	"not-ready":                {func(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }, 1},
	"ipv6":                     {func(p *corev1.Pod) { p.Status.PodIP = "fd00::7" }, 1},
	"host-network":             {func(p *corev1.Pod) { p.Spec.HostNetwork = true }, 1},
	"injected-for-real":        {inject(sidecars.PlacementContainer), 2},
	"injected-native-for-real": {inject(sidecars.PlacementNative), 2},
	"limited":                  {limit("5000"), 1},
	"limited-otherwise":        {limit("20000"), 1},
	"no-limit":                 {limit("7"), 1},
	"owned": {func(p *corev1.Pod) {
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-1", UID: "1", Controller: &yes}}
	}, 1},
	"annotated": {func(p *corev1.Pod) {
		p.Annotations = map[string]string{"prometheus.io/scrape": "false", "prometheus.io/port": "1", "prometheus.io/path": "/x"}
		p.Labels["job"], p.Labels["instance"], p.Labels["node"] = "mine", "mine", "mine"
	}, 1},
}

// limit writes a limit of samples, or what is none.
func limit(value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations = map[string]string{sidecars.SampleLimitKey: value} }
}

// TestDiscoveryAgreesWithPrometheus requires that Prometheus, watching a real API server under the scrape jobs, makes
// the very targets that discovery.Targets says, now and after each pod has changed.
func TestDiscoveryAgreesWithPrometheus(t *testing.T) {
	c := client(t)
	ns := namespace(t, c, nil)
	pods := map[string]*corev1.Pod{}
	for name, d := range discovered {
		p := basePod(ns, name)
		d.edit(p)
		pods[name] = createPod(t, c, p)
	}
	prom := startProm(t, string(discovery.Jobs()))
	agreed := func(pod *corev1.Pod, n int) {
		t.Helper()
		prom.settle(t, c, ns)
		agree(t, prom, pod, n)
	}

	t.Run("listed", func(t *testing.T) {
		prom.settle(t, c, ns)
		for name, d := range discovered {
			if d.want >= 0 {
				agree(t, prom, pods[name], d.want)
			}
		}
	})
	t.Run("never heard of", func(t *testing.T) {
		for _, name := range []string{"opted-out", "not-monitored"} {
			if prom.heardOf(ns, name) {
				t.Errorf("the API server sent %s, which is not monitored", name)
			}
			if ours, err := discovery.Targets(pods[name]); err != nil || len(ours) > 0 {
				t.Errorf("ours of %s, which is not monitored: %v, %v", name, ours, err)
			}
		}
	})
	t.Run("watched", func(t *testing.T) {
		later := createPod(t, c, basePod(ns, "created-later"))
		agreed(later, 1)
		later.Status.Phase = corev1.PodSucceeded
		later = updateStatus(t, c, later)
		agreed(later, 0)

		address := pods["no-address"]
		address.Status.PodIP, address.Status.Phase = "10.244.9.9", corev1.PodRunning
		agreed(updateStatus(t, c, address), 1)

		served := pods["only-label"]
		for _, change := range []struct {
			value string
			n     int
		}{{"8080", 1}, {"8080,9090", 2}, {"8080,,", 0}} {
			served.Annotations = map[string]string{sidecars.ScrapeKey: change.value}
			served = updatePod(t, c, served)
			agreed(served, change.n)
		}

		unlabeled := pods["injected"]
		unlabeled.Labels = nil
		agreed(updatePod(t, c, unlabeled), 0)

		labeled := pods["not-monitored"]
		labeled.Labels = map[string]string{"outrider.dev/monitored": "true"}
		agreed(updatePod(t, c, labeled), 1)
	})
}

// agree requires that Prometheus makes n targets of the pod that are those of discovery.Targets, in whatever order.
func agree(t *testing.T, p *prom, pod *corev1.Pod, n int) {
	t.Helper()
	ours, err := discovery.Targets(pod)
	if err != nil {
		t.Fatal(err)
	}
	if len(ours) != n {
		t.Errorf("%s: %d targets, want %d: %v", pod.Name, len(ours), n, ours)
	}
	if diff := cmp.Diff(byURL(p.targets(pod.Namespace, pod.Name)), byURL(ours)); diff != "" {
		t.Errorf("%s: targets differ (-Prometheus +ours):\n%s", pod.Name, diff)
	}
}

func byURL(targets []discovery.Target) []discovery.Target {
	return slices.SortedFunc(slices.Values(targets), func(a, b discovery.Target) int {
		return strings.Compare(a.URL+" "+a.Labels["job"], b.URL+" "+b.Labels["job"])
	})
}

// basePod returns a running, monitored pod with an app and one exporter.
func basePod(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Labels: map[string]string{"outrider.dev/monitored": "true", "app.kubernetes.io/name": "cache"},
		},
		Spec: corev1.PodSpec{
			NodeName: "node-a",
			Containers: []corev1.Container{
				{Name: "app", Image: "redis:7", Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 6379}}},
				exporter("redis", 9121),
			},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: "10.244.0.7", HostIP: "10.240.0.1",
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "outrider-redis", ContainerID: "containerd://1"}},
		},
	}
}

func exporter(name string, port int32) corev1.Container {
	return corev1.Container{
		Name: "outrider-" + name, Image: name + "-exporter:1",
		Ports: []corev1.ContainerPort{{Name: fmt.Sprintf("outrider-%d", port), ContainerPort: port}},
	}
}

func addContainer(p *corev1.Pod, c corev1.Container) {
	p.Spec.Containers = append(p.Spec.Containers, c)
}

// inject replaces the exporter by those that Outrider itself adds.
func inject(placement string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers, p.Labels = p.Spec.Containers[:1], nil
		p.Annotations = map[string]string{sidecars.InjectKey: "redis,nginx", sidecars.PlacementKey: placement}
		*p = *sidecars.NewPlan(sidecars.Input{Pod: p}, sidecars.Builtin()).Apply(p)
	}
}

// native moves the redis exporter among the init containers.
func native(p *corev1.Pod) {
	always := corev1.ContainerRestartPolicyAlways
	c := p.Spec.Containers[1]
	c.RestartPolicy = &always
	p.Spec.Containers = slices.Delete(p.Spec.Containers, 1, 2)
	p.Spec.InitContainers = append(p.Spec.InitContainers, c)
	p.Status.ContainerStatuses = nil
}

// createPod stores a pod with its status, as the scheduler and the kubelet would have left it.
func createPod(t *testing.T, c kubernetes.Interface, p *corev1.Pod) *corev1.Pod {
	t.Helper()
	created, err := c.CoreV1().Pods(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	created.Status = p.Status
	return updateStatus(t, c, created)
}

func updatePod(t *testing.T, c kubernetes.Interface, p *corev1.Pod) *corev1.Pod {
	t.Helper()
	p, err := c.CoreV1().Pods(p.Namespace).Update(t.Context(), p, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func updateStatus(t *testing.T, c kubernetes.Interface, p *corev1.Pod) *corev1.Pod {
	t.Helper()
	p.Status.PodIPs = nil // the server fills them in from PodIP
	p, err := c.CoreV1().Pods(p.Namespace).UpdateStatus(t.Context(), p, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
