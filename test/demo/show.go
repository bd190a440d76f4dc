package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/outrider-dev/outrider/test/cluster/build"
	"github.com/outrider-dev/outrider/test/cluster/progress"
)

// ups are the metrics that say that an exporter reaches its workload.
var ups = []string{"redis_up", "nginx_up"}

// counters are values that the traffic moves.
var counters = []string{`redis_commands_total{cmd="incr"}`, "nginx_http_requests_total"}

// ours restricts a metric to the demo's namespace.
func ours(metric string) string {
	name, labels, _ := strings.Cut(strings.TrimSuffix(metric, "}"), "{")
	return fmt.Sprintf("sum(%s{namespace=%q,%s})", name, namespace, labels)
}

// value is a query's single value; -1 while there is none.
func (d *demo) value(ctx context.Context, query string) float64 {
	vector, err := d.prom.Query(ctx, query)
	if err != nil || len(vector) != 1 {
		return -1
	}
	return float64(vector[0].Value)
}

// leastJobs are the jobs of which each has a target that is up, at the least: an
// exporter, an endpoint of an application's own, three of the cluster, and
// Prometheus itself.
var leastJobs = []string{"redis", "nginx", "dns", "apiserver", "kubelet", "cadvisor", "prometheus"}

// awaitUp waits until both exporters reach their workloads and Prometheus has
// seen it, and every job has its targets up.
func (d *demo) awaitUp(ctx context.Context) error {
	defer progress.Start(ctx, "wait for the first samples")()
	var missing []string
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		missing = nil
		for _, up := range ups {
			if d.value(ctx, ours(up)) != 1 {
				missing = append(missing, up)
			}
		}
		for _, counter := range counters {
			if d.value(ctx, ours(counter)) < 1 {
				missing = append(missing, counter)
			}
		}
		for _, job := range leastJobs {
			if d.value(ctx, fmt.Sprintf("min(up{job=%q})", job)) != 1 {
				missing = append(missing, fmt.Sprintf("job %s up", job))
			}
		}
		if d.cluster.ControlPlane() != "" { // elsewhere some may be closed to the network
			if down := d.value(ctx, "count(up == 0)"); down > 0 {
				missing = append(missing, fmt.Sprintf("%v targets that are down", down))
			}
		}
		return len(missing) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("Prometheus lacks %s: %w", strings.Join(missing, ", "), err)
	}
	return nil
}

func (d *demo) show(ctx context.Context) error {
	moved, err := d.move(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 3, ' ', 0)
	if err := d.showPods(ctx, out); err != nil {
		return err
	}
	if err := d.showTargets(ctx, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nVALUES")
	for _, up := range ups {
		fmt.Fprintf(out, "%s\t%v\n", up, d.value(ctx, ours(up)))
	}
	for _, line := range moved {
		fmt.Fprintln(out, line)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return d.showNext(ctx)
}

// move reads the counters until each has moved.
func (d *demo) move(ctx context.Context) ([]string, error) {
	defer progress.Start(ctx, "wait for the counters to move")()
	var lines []string
	for _, counter := range counters {
		first, now := d.value(ctx, ours(counter)), 0.0
		err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
			now = d.value(ctx, ours(counter))
			return now > first, nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s stays at %v: %w", counter, first, err)
		}
		lines = append(lines, fmt.Sprintf("%s\t%v, then %v", counter, first, now))
	}
	return lines, nil
}

func (d *demo) showPods(ctx context.Context, out *tabwriter.Writer) error {
	pods, err := d.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	fmt.Fprintln(out, "\nPOD\tREADY\tCONTAINERS")
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			continue
		}
		var names []string
		ready := 0
		for _, s := range pod.Status.ContainerStatuses {
			names = append(names, s.Name)
			if s.Ready {
				ready++
			}
		}
		fmt.Fprintf(out, "%s/%s\t%d/%d\t%s\n", pod.Namespace, pod.Name, ready, len(names), strings.Join(names, ", "))
	}
	return nil
}

func (d *demo) showTargets(ctx context.Context, out *tabwriter.Writer) error {
	targets, err := d.prom.Targets(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(targets, func(a, b promv1.ActiveTarget) int {
		return cmp.Or(cmp.Compare(a.Labels["job"], b.Labels["job"]), cmp.Compare(a.ScrapeURL, b.ScrapeURL))
	})
	fmt.Fprintln(out, "\nJOB\tHEALTH\tTARGET\tOF")
	jobs, up := map[model.LabelValue]bool{}, 0
	for _, t := range targets {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", t.Labels[model.JobLabel], t.Health, t.ScrapeURL, of(t.Labels))
		if t.Health == promv1.HealthGood {
			jobs[t.Labels[model.JobLabel]] = true
			up++
		}
	}
	fmt.Fprintf(out, "\n%d of %d targets are up, in %d jobs.\n", up, len(targets), len(jobs))
	return nil
}

// of is what a target is about: a pod, a node, or the cluster.
func of(labels model.LabelSet) string {
	switch namespace, pod, node := labels["namespace"], labels["pod"], labels["node"]; {
	case pod != "":
		return fmt.Sprintf("pod %s/%s", namespace, pod)
	case node != "":
		return fmt.Sprintf("node %s", node)
	default:
		return "cluster"
	}
}

// showNext ends with where Prometheus is, and three commands.
func (d *demo) showNext(ctx context.Context) error {
	service, err := d.client.CoreV1().Services("outrider").Get(ctx, "outrider-prometheus", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get Prometheus' Service: %w", err)
	}
	kubectl := "kubectl"
	if _, err := exec.LookPath(kubectl); err != nil {
		if kubectl, err = build.Binary(ctx, "kubectl"); err != nil {
			return err
		}
	}
	fmt.Printf("\nPrometheus: http://%s:9090 (from this machine; elsewhere: %s -n outrider port-forward svc/outrider-prometheus 9090)\n", service.Spec.ClusterIP, kubectl)
	fmt.Printf(`
Try next:
  export KUBECONFIG=%s
  # what was decided for a pod, and why
  %[2]s -n demo get pod -l app=redis -o jsonpath='{.items[0].metadata.annotations.outrider\.dev/status}{"\n"}'
  # a misspelled exporter is answered, and the pod runs
  %[2]s -n demo run oops --image=docker.io/library/redis:7.0.15 --annotations=outrider.dev/inject=rediss
  # any of your own, found within seconds
  %[2]s -n demo run mine --image=docker.io/library/redis:7.0.15 --annotations=outrider.dev/inject=auto
`, d.cluster.Kubeconfig, kubectl)
	return nil
}
