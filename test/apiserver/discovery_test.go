package apiserver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	promdiscovery "github.com/prometheus/prometheus/discovery"
	promkubernetes "github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
)

// prom is the part of a Prometheus that finds targets: its own reader of the job, its own Kubernetes discovery.
type prom struct {
	job *config.ScrapeConfig

	mu     sync.Mutex
	groups map[string]*targetgroup.Group // by source, pod/NAMESPACE/NAME
}

// startProm has Prometheus' discovery watch the API server under the scrape job until the test ends.
func startProm(t *testing.T) *prom {
	t.Helper()
	p := &prom{job: loadJob(t), groups: map[string]*targetgroup.Group{}}
	sd := p.job.ServiceDiscoveryConfigs[0].(*promkubernetes.SDConfig)
	sd.KubeConfig = api.Kubeconfig()

	reg := prometheus.NewRegistry()
	refresh := promdiscovery.NewRefreshMetrics(reg)
	metrics := sd.NewDiscovererMetrics(reg, refresh)
	if err := metrics.Register(); err != nil {
		t.Fatal(err)
	}
	d, err := sd.NewDiscoverer(promdiscovery.DiscovererOptions{Logger: promslog.NewNopLogger(), Metrics: metrics})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	updates := make(chan []*targetgroup.Group)
	var wg sync.WaitGroup
	wg.Go(func() { d.Run(ctx, updates) })
	wg.Go(func() { p.collect(ctx, updates) })
	t.Cleanup(func() { cancel(); wg.Wait(); metrics.Unregister() })
	return p
}

func loadJob(t *testing.T) *config.ScrapeConfig {
	t.Helper()
	indented := strings.ReplaceAll(strings.TrimSpace(string(discovery.Job())), "\n", "\n    ")
	cfg, err := config.Load("scrape_configs:\n  - "+indented+"\n", promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := cfg.GetScrapeConfigs()
	if err != nil {
		t.Fatal(err)
	}
	return jobs[0]
}

func (p *prom) collect(ctx context.Context, updates <-chan []*targetgroup.Group) {
	for {
		select {
		case <-ctx.Done():
			return
		case groups := <-updates:
			p.mu.Lock()
			for _, g := range groups {
				p.groups[g.Source] = g
			}
			p.mu.Unlock()
		}
	}
}

// targets returns what Prometheus would scrape of a pod, and whether it has heard of the pod at all.
func (p *prom) targets(t *testing.T, namespace, name string) (targets []discovery.Target, heard bool) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	group, heard := p.groups["pod/"+namespace+"/"+name]
	if !heard {
		return nil, false
	}
	b := labels.NewBuilder(labels.EmptyLabels())
	all, failures := scrape.TargetsFromGroup(group, p.job, nil, b)
	for _, err := range failures {
		t.Error(err)
	}
	for _, target := range all {
		if ls := target.Labels(b); !ls.IsEmpty() { // dropped targets have none
			targets = append(targets, discovery.Target{URL: target.URL().String(), Labels: ls.Map()})
		}
	}
	return targets, true
}

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
	"owned": {func(p *corev1.Pod) {
		yes := true
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-1", UID: "1", Controller: &yes}}
	}, 1},
	"annotated": {func(p *corev1.Pod) {
		p.Annotations = map[string]string{"prometheus.io/scrape": "false", "prometheus.io/port": "1", "prometheus.io/path": "/x"}
		p.Labels["job"], p.Labels["instance"], p.Labels["node"] = "mine", "mine", "mine"
	}, 1},
}

// TestDiscoveryAgreesWithPrometheus requires that Prometheus, watching a real API server under the scrape job, makes
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
	prom := startProm(t)

	t.Run("listed", func(t *testing.T) {
		for name, d := range discovered {
			if d.want >= 0 {
				agree(t, prom, pods[name], d.want)
			}
		}
	})
	t.Run("watched", func(t *testing.T) {
		later := createPod(t, c, basePod(ns, "created-later"))
		agree(t, prom, later, 1)
		later.Status.Phase = corev1.PodSucceeded
		later = updateStatus(t, c, later)
		agree(t, prom, later, 0)

		address := pods["no-address"]
		address.Status.PodIP, address.Status.Phase = "10.244.9.9", corev1.PodRunning
		agree(t, prom, updateStatus(t, c, address), 1)

		unlabelled := pods["injected"]
		unlabelled.Labels = nil
		unlabelled, err := c.CoreV1().Pods(ns).Update(t.Context(), unlabelled, metav1.UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		agree(t, prom, unlabelled, 0)

		labelled := pods["not-monitored"]
		labelled.Labels = map[string]string{"outrider.dev/monitored": "true"}
		if _, err = c.CoreV1().Pods(ns).Update(t.Context(), labelled, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		agree(t, prom, labelled, 1)
	})
	// Prometheus queues what it hears in order, and has answered for pods made after these.
	t.Run("never heard of", func(t *testing.T) {
		if _, heard := prom.targets(t, ns, "opted-out"); heard {
			t.Error("the API server sent a pod that is not monitored")
		}
		if ours, err := discovery.Targets(pods["opted-out"]); err != nil || len(ours) > 0 {
			t.Errorf("ours of a pod that is not monitored: %v, %v", ours, err)
		}
	})
}

// agree waits until Prometheus makes n targets of the pod that are those of discovery.Targets, in whatever order.
func agree(t *testing.T, p *prom, pod *corev1.Pod, n int) {
	t.Helper()
	ours, err := discovery.Targets(pod)
	if err != nil {
		t.Fatal(err)
	}
	if len(ours) != n {
		t.Errorf("%s: %d targets, want %d: %v", pod.Name, len(ours), n, ours)
	}
	eventually(t, func() string {
		theirs, heard := p.targets(t, pod.Namespace, pod.Name)
		if !heard {
			return fmt.Sprintf("%s: Prometheus has not heard of the pod", pod.Name)
		}
		if diff := cmp.Diff(byURL(theirs), byURL(ours)); diff != "" {
			return fmt.Sprintf("%s: targets differ (-Prometheus +ours):\n%s", pod.Name, diff)
		}
		return ""
	})
}

func byURL(targets []discovery.Target) []discovery.Target {
	return slices.SortedFunc(slices.Values(targets), func(a, b discovery.Target) int { return strings.Compare(a.URL, b.URL) })
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
		*p = *sidecars.NewPlan(sidecars.Input{Pod: p, NativeSidecars: true}, sidecars.Builtin()).Apply(p)
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

func updateStatus(t *testing.T, c kubernetes.Interface, p *corev1.Pod) *corev1.Pod {
	t.Helper()
	p.Status.PodIPs = nil // the server fills them in from PodIP
	p, err := c.CoreV1().Pods(p.Namespace).UpdateStatus(t.Context(), p, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
