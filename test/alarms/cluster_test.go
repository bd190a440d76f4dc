package alarms_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/test/poll"
)

// applications run beside the operations on the cluster.
var applications = replicated("Deployment", 2, "") + "---\n" + named("data", replicated("StatefulSet", 2, "serviceName: data")) +
	"---\n" + named("agent", replicated("DaemonSet", 0, ""))

func named(name, manifest string) string {
	return strings.NewReplacer("name: app,", "name: "+name+",", "app: app", "app: "+name).Replace(manifest)
}

// second is the node that is cordoned, drained and lost.
const second = "node2"

// maintenance is what a cluster's administrators do without an alert.
var maintenance = []operation{
	{name: "a node is cordoned and uncordoned", steps: []string{"cordon " + second, "pass 5m", "uncordon " + second}},
	{name: "a node is drained, stays away for a while and comes back", steps: []string{
		"drain " + second + " --ignore-daemonsets --delete-emptydir-data --timeout=180s", "pass 12m", "uncordon " + second,
	}},
	{name: "a node reboots", do: reboot(second)},
	{name: "a cordoned node reboots", steps: []string{"cordon " + second}, do: func(t *testing.T, w *week, namespace string) {
		reboot(second)(t, w, namespace)
		if _, err := w.cluster.Kubectl(t.Context(), "uncordon", second); err != nil {
			t.Error(err)
		}
	}},
	{name: "the API server is restarted", do: reboot("kube-apiserver")},
	{name: "etcd is restarted", do: reboot("etcd")},
	{name: "the scheduler and the controller manager are restarted", do: reboot("kube-scheduler", "kube-controller-manager")},
	{name: "CoreDNS gets a new version", steps: restart("kube-system", "deployment/coredns")},
	{name: "kube-state-metrics gets a new version", steps: restart("outrider", "deployment/outrider-kube-state-metrics")},
	{name: "node-exporter gets a new version", steps: restart("outrider", "daemonset/outrider-node-exporter")},
	{name: "Prometheus gets a new version", steps: restart("outrider", "statefulset/outrider-prometheus")},
	{name: "Alertmanager gets a new version", steps: restart("outrider", "statefulset/outrider-alertmanager")},
	{name: "Outrider gets a new version", steps: append(restart("outrider", "deployment/outrider-webhook"), restart("outrider", "deployment/outrider-controller")...)},
	{name: "the release is upgraded with other values", do: upgrade},
	{name: "the webhook's certificate and its authority are replaced", do: rotate},
	{name: "Alertmanager is scaled to zero and back", steps: []string{
		"scale statefulset/outrider-alertmanager --namespace=outrider --replicas=0", "pass 16m",
		"scale statefulset/outrider-alertmanager --namespace=outrider --replicas=1", "rollout status statefulset/outrider-alertmanager --namespace=outrider --timeout=180s",
	}},
}

// outages page, and come with warnings.
var outages = []operation{
	{name: "DNS is out: no CoreDNS starts", do: func(t *testing.T, w *week, _ string) {
		// A rolling update would keep the pods that work.
		w.dns(t, `{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null},"template":{"spec":{"containers":[{"name":"coredns","args":["-conf","/etc/coredns/absent"]}]}}}}`)
	}, end: func(t *testing.T, w *week, _ string) {
		w.dns(t, `{"spec":{"template":{"spec":{"containers":[{"name":"coredns","args":["-conf","/etc/coredns/Corefile"]}]}}}}`)
	}, fires: []string{"critical CorednsDown", "warning PodCrashLoops", "warning DeploymentReplicasUnavailable"}},
	{name: "a node is lost", do: func(t *testing.T, w *week, _ string) {
		if err := w.cluster.Kill(second); err != nil {
			t.Fatal(err)
		}
	}, end: func(t *testing.T, w *week, _ string) {
		if err := w.cluster.Restart(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		// Its pods leave after the usual five minutes, which are not shrunk: until then their servers are reported, too.
	}, fires: []string{"critical NodeNotReady", "warning KubeletDown", "warning OutriderServersUnreached", "warning TargetDown"}},
}

func restart(namespace, workload string) []string {
	return []string{
		"rollout restart " + workload + " --namespace=" + namespace, "rollout status " + workload + " --namespace=" + namespace + " --timeout=180s",
	}
}

// reboot kills programs of the cluster, or a node, and starts them again.
func reboot(names ...string) func(*testing.T, *week, string) {
	return func(t *testing.T, w *week, namespace string) {
		for _, name := range names {
			if err := w.cluster.Kill(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.cluster.Restart(t.Context(), names...); err != nil {
			t.Fatal(err)
		}
		poll.Until(t, patience, time.Second, func() string { // pods look as they did before the node went
			if err := w.applier.Settle(t.Context(), namespace, patience); err != nil {
				return err.Error()
			}
			return ""
		})
	}
}

// upgrade changes arguments and settings of several components.
func upgrade(t *testing.T, w *week, _ string) {
	values := w.values(t)
	values["controller"].(map[string]any)["logLevel"] = "debug"
	values["kubeStateMetrics"].(map[string]any)["labels"] = map[string]any{"pods": []any{"app"}}
	values["nodeExporter"] = map[string]any{"podAnnotations": map[string]any{"version": "2"}}
	if _, err := w.release.Apply(t.Context(), values); err != nil {
		t.Fatal(err)
	}
}

// rotate loses the Secret with the webhook's authority, so that all is made anew.
func rotate(t *testing.T, w *week, _ string) {
	secrets := w.client.CoreV1().Secrets("outrider")
	const name = "outrider-webhook-tls"
	before, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := secrets.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	poll.Until(t, patience, time.Second, func() string {
		now, err := secrets.Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if now.UID == before.UID || len(now.Data) == 0 {
			return "there is no new certificate"
		}
		return ""
	})
}

// dns changes the Deployment of CoreDNS.
func (w *week) dns(t *testing.T, patch string) {
	t.Helper()
	if _, err := w.cluster.Kubectl(t.Context(), "--namespace=kube-system", "patch", "deployment", "coredns", "--patch="+patch); err != nil {
		t.Fatal(err)
	}
}
