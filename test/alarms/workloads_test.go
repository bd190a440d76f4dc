package alarms_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// replicated is a workload of a kind with Redis, its exporter, and a readiness probe. more goes into its spec.
func replicated(kind string, replicas int, more string) string {
	if kind != "DaemonSet" {
		more = fmt.Sprintf("replicas: %d\n  %s", replicas, more)
	}
	return strings.NewReplacer("KIND", kind, "MORE", more).Replace(`
apiVersion: apps/v1
kind: KIND
metadata: {name: app, namespace: NS}
spec:
  MORE
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}, annotations: {outrider.dev/inject: redis}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: redis
          image: docker.io/library/redis:7.0.15
          readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
          resources: {requests: {cpu: 1m, memory: 8Mi}}
`)
}

// shells are what stands before the spec of a pod in an object of each kind, and how far that is indented.
var shells = map[string]struct {
	before string
	indent int
}{
	"Pod": {"apiVersion: v1\nkind: Pod\nmetadata: {name: app, namespace: NS}\nspec:\n", 2},
	"Deployment": {`apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: NS}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
`, 6},
	"Job": {`apiVersion: batch/v1
kind: Job
metadata: {name: app, namespace: NS}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: Never
`, 6},
	"CronJob": {`apiVersion: batch/v1
kind: CronJob
metadata: {name: app, namespace: NS}
spec:
  schedule: '* * * * *'
  suspend: false
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
`, 10},
}

// shell is a pod, or an object that makes some, which runs a script. more goes into its container.
func shell(kind, script, more string) string {
	spec := fmt.Sprintf(`terminationGracePeriodSeconds: 1
volumes: [{name: data, emptyDir: {}}]
containers:
  - name: app
    image: docker.io/library/busybox:1.35.0
    command: [sh, -c, %q]
    volumeMounts: [{name: data, mountPath: /data}]
    %s
`, script, more)
	indent := strings.Repeat(" ", shells[kind].indent)
	return shells[kind].before + indent + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n"+indent) + "\n"
}

// everyday are operations after which nothing is to fire.
var everyday = []operation{
	{name: "a Deployment is created, with an exporter", manifest: replicated("Deployment", 2, ""), settle: true},
	{name: "a new version is rolled out and rolled back", manifest: replicated("Deployment", 2, ""), settle: true, steps: []string{
		"set env deployment/app VERSION=2", "rollout status deployment/app --timeout=180s", "rollout undo deployment/app", "rollout status deployment/app --timeout=180s",
	}},
	{name: "a Deployment is restarted", manifest: replicated("Deployment", 2, ""), settle: true, steps: []string{
		"rollout restart deployment/app", "rollout status deployment/app --timeout=180s",
	}},
	{name: "a Deployment of the strategy Recreate gets a new version", manifest: replicated("Deployment", 2, "strategy: {type: Recreate}"), settle: true, steps: []string{
		"set env deployment/app VERSION=2", "rollout status deployment/app --timeout=180s",
	}},
	{name: "a Deployment is scaled to zero and back", manifest: replicated("Deployment", 2, ""), settle: true, steps: []string{
		"scale deployment/app --replicas=0", "pass 15m", "scale deployment/app --replicas=2", "rollout status deployment/app --timeout=180s",
	}},
	{name: "a Deployment is scaled out and in", manifest: replicated("Deployment", 1, ""), settle: true, steps: []string{
		"scale deployment/app --replicas=3", "rollout status deployment/app --timeout=180s", "scale deployment/app --replicas=1",
	}},
	{name: "a rollout is paused half way", manifest: replicated("Deployment", 2, ""), settle: true, steps: []string{
		"rollout pause deployment/app", "set env deployment/app VERSION=2", "pass 10m", "rollout resume deployment/app", "rollout status deployment/app --timeout=180s",
	}},
	{name: "a Deployment is deleted", manifest: replicated("Deployment", 2, ""), settle: true, steps: []string{"delete deployment/app"}},
	{name: "a namespace is deleted", manifest: replicated("StatefulSet", 1, "serviceName: app"), settle: true, steps: []string{"delete namespace NS"}},
	{name: "a StatefulSet is restarted", manifest: replicated("StatefulSet", 2, "serviceName: app"), settle: true, steps: []string{
		"rollout restart statefulset/app", "rollout status statefulset/app --timeout=180s",
	}},
	{name: "a StatefulSet is scaled to zero and back", manifest: replicated("StatefulSet", 2, "serviceName: app"), settle: true, steps: []string{
		"scale statefulset/app --replicas=0", "pass 15m", "scale statefulset/app --replicas=2", "rollout status statefulset/app --timeout=180s",
	}},
	{name: "a pod of a StatefulSet is deleted", manifest: replicated("StatefulSet", 2, "serviceName: app"), settle: true, steps: []string{
		"delete pod app-0", "rollout status statefulset/app --timeout=180s",
	}},
	{name: "a DaemonSet gets a new version", manifest: replicated("DaemonSet", 0, ""), settle: true, steps: []string{
		"set env daemonset/app VERSION=2", "rollout status daemonset/app --timeout=180s",
	}},
	{name: "an exporter crashes once", manifest: replicated("Deployment", 1, ""), settle: true, do: crash("redis_exporter")},
	{name: "a server crashes once", manifest: replicated("Deployment", 1, ""), settle: true, do: crash("redis-server *:6379")},
	{name: "a pod takes its time to end", manifest: strings.Replace(shell("Pod", "sleep 3600", "lifecycle: {preStop: {exec: {command: [sleep, '30']}}}"), "Seconds: 1", "Seconds: 60", 1),
		settle: true, steps: []string{"delete pod app"}},
	{name: "an init container works for a while", manifest: initialized("sleep 60"), settle: true},
	{name: "a pod that is not restarted ends", manifest: strings.Replace(shell("Pod", "exit 0", ""), "spec:\n", "spec:\n  restartPolicy: Never\n", 1)},
	{name: "a Job succeeds", manifest: shell("Job", "sleep 5", ""), settle: true},
	{name: "a Job succeeds at the second try", manifest: `
apiVersion: batch/v1
kind: Job
metadata: {name: app, namespace: NS}
spec:
  template:
    spec:
      restartPolicy: OnFailure
      volumes: [{name: data, emptyDir: {}}]
      containers:
        - {name: app, image: "docker.io/library/busybox:1.35.0", command: [sh, -c, "[ -e /data/tried ] || { touch /data/tried; exit 1; }"], volumeMounts: [{name: data, mountPath: /data}]}
`, settle: true},
	{name: "a CronJob is suspended", manifest: strings.Replace(shell("CronJob", "true", ""), "suspend: false", "suspend: true", 1)},
	{name: "a PodDisruptionBudget guards a rollout", manifest: replicated("Deployment", 2, "") + budget, settle: true, steps: []string{
		"rollout restart deployment/app", "rollout status deployment/app --timeout=180s",
	}},
	{name: "a PodDisruptionBudget guards what is scaled to zero", manifest: replicated("Deployment", 0, "") + budget},
	{name: "an autoscaler's Deployment is scaled to zero", manifest: replicated("Deployment", 0, "") + autoscaler},
	{name: "most of a quota is used", manifest: quota(5) + shell("Pod", "sleep 3600", ""), steps: []string{"run more-1 --image=docker.io/library/busybox:1.35.0 -- sleep 3600", "run more-2 --image=docker.io/library/busybox:1.35.0 -- sleep 3600"}},
	{name: "a claim waits for its first pod", manifest: claim("absent")},
	{name: "a password is rotated together with its pods", manifest: secret + strings.Replace(replicated("Deployment", 1, ""), "          readinessProbe",
		"          args: [--requirepass, $(REDIS_PASSWORD)]\n          env: [{name: REDIS_PASSWORD, valueFrom: {secretKeyRef: {name: redis, key: password}}}]\n          readinessProbe", 1),
		settle: true, steps: []string{`patch secret redis --patch={"stringData":{"password":"second"}}`, "rollout restart deployment/app", "rollout status deployment/app --timeout=180s"}},
}

// trouble is what an owner has to look at; severity critical pages.
var trouble = []operation{
	{name: "a CronJob fails once and succeeds again", manifest: shell("CronJob", "[ $(( $(date +%s) / 60 % 2 )) = 0 ]", ""), fires: []string{"warning JobFailed"}},
	{name: "a Job fails", manifest: shell("Job", "exit 1", ""), fires: []string{"warning JobFailed"}},
	{name: "an application crashes after each start", manifest: shell("Deployment", "sleep 1; exit 1", ""), fires: []string{"warning PodCrashLoops", "warning DeploymentReplicasUnavailable"}},
	{name: "an init container crashes", manifest: initialized("exit 1"), fires: []string{"warning PodCrashLoops"}},
	{name: "a new version has an image that does not exist", manifest: replicated("Deployment", 2, "progressDeadlineSeconds: 30"), settle: true,
		steps: []string{"set image deployment/app redis=docker.io/library/redis:7.0.99"}, fires: []string{"warning PodImagePullFails", "warning DeploymentRolloutStuck", "warning OutriderServersUnreached"}},
	{name: "a Secret is missing", manifest: shell("Pod", "sleep 3600", "envFrom: [{secretRef: {name: absent}}]"), fires: []string{"warning PodCannotStart"}},
	{name: "a volume's ConfigMap is missing", manifest: strings.Replace(shell("Pod", "sleep 3600", ""), "emptyDir: {}", "configMap: {name: absent}", 1), fires: []string{"warning PodPendingLong"}},
	{name: "no node has enough CPUs", manifest: shell("Pod", "sleep 3600", "resources: {requests: {cpu: '1000'}}"), fires: []string{"warning PodUnschedulable"}},
	{name: "a pod is never ready", manifest: shell("Deployment", "sleep 3600", "readinessProbe: {exec: {command: ['false']}}"),
		fires: []string{"warning PodNotReady", "warning DeploymentReplicasUnavailable"}},
	{name: "a container needs more memory than it may have", manifest: shell("Pod", "sleep 10; [ -e /data/tried ] && sleep 3600; touch /data/tried; exec tail /dev/zero", "resources: {limits: {memory: 16Mi}}"),
		fires: []string{"warning ContainerOOMKilled"}},
	{name: "a quota is reached", manifest: quota(1) + replicated("Deployment", 2, ""), fires: []string{"warning DeploymentReplicasUnavailable", "info ResourceQuotaAlmostUsed"}},
	{name: "a volume is almost full", do: almostFull, fires: []string{"warning PersistentVolumeAlmostFull"}},
	{name: "a claim has no provisioner", manifest: claim("absent") + strings.Replace(shell("Pod", "sleep 3600", ""), "emptyDir: {}", "persistentVolumeClaim: {claimName: data}", 1),
		fires: []string{"warning PersistentVolumeClaimPending", "warning PodUnschedulable"}},
	{name: "an autoscaler has no metrics", manifest: replicated("Deployment", 1, "") + autoscaler, fires: []string{"warning AutoscalerCannotScale"}},
	{name: "a finalizer keeps a deleted pod", manifest: strings.Replace(shell("Pod", "sleep 3600", ""), "namespace: NS}", "namespace: NS, finalizers: [example.com/absent]}", 1), settle: true,
		steps: []string{"delete pod app --wait=false"}, do: unfinished, fires: []string{"warning PodStuckTerminating"}},
	{name: "a server's password is changed and its exporter's is not", manifest: replicated("Deployment", 1, ""), settle: true, steps: []string{
		"pass 5m", "exec deployment/app --container=redis -- redis-cli config set requirepass changed",
	}, fires: []string{"critical RedisDown", "warning OutriderServersUnreached"}},
	{name: "an exporter is given the wrong password", manifest: secret + strings.NewReplacer("inject: redis", "inject: redis, redis.outrider.dev/secret: redis",
		"          readinessProbe", "          args: [--requirepass, another]\n          readinessProbe").Replace(replicated("Deployment", 1, "")), fires: []string{"warning OutriderServersUnreached"}},
}

const budget = `---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: app, namespace: NS}
spec: {minAvailable: 1, selector: {matchLabels: {app: app}}}
`

const autoscaler = `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: app, namespace: NS}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
`

const secret = `
apiVersion: v1
kind: Secret
metadata: {name: redis, namespace: NS}
stringData: {password: first}
---
`

func quota(pods int) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: pods, namespace: NS}\nspec: {hard: {pods: %d}}\n---\n", pods)
}

func claim(class string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: NS}\nspec: {storageClassName: %s, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n---\n", class)
}

// initialized is a pod whose init container runs a script.
func initialized(script string) string {
	return shell("Pod", "sleep 3600", "") + fmt.Sprintf("  initContainers: [{name: before, image: 'docker.io/library/busybox:1.35.0', command: [sh, -c, %q]}]\n", script)
}

// crash kills a program of the pod once.
func crash(program string) func(*testing.T, *week, string) {
	return func(t *testing.T, w *week, namespace string) {
		pods, err := w.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(pods.Items) != 1 {
			t.Errorf("%d pods in %s, %v", len(pods.Items), namespace, err)
			return
		}
		pids, err := w.cluster.PIDs(string(pods.Items[0].UID), program)
		if err != nil || len(pids) != 1 {
			t.Errorf("%s runs as %v, %v", program, pids, err)
			return
		}
		if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
}

// almostFull uses most of a volume.
func almostFull(t *testing.T, w *week, namespace string) {
	folder := t.TempDir()
	seen, unmount, err := w.cluster.Mount(t.Context(), folder, "64m")
	if err != nil {
		t.Error(err)
		return
	}
	volume := strings.NewReplacer("NS", namespace, "FOLDER", folder, "NODE", w.cluster.Nodes()[0]).Replace(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: NS}
spec:
  storageClassName: NS
  capacity: {storage: 1Gi} # what it says; the disk has 64 MiB
  accessModes: [ReadWriteOnce]
  local: {path: FOLDER}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [NODE]}]}]}}
---
`)
	t.Cleanup(func() {
		w.clear(t)
		if err := w.applier.Delete(context.Background(), []byte(volume)); err != nil {
			t.Error(err)
		}
		if err := unmount(); err != nil {
			t.Error(err)
		}
	})
	pod := strings.Replace(shell("Pod", "sleep 3600", ""), "emptyDir: {}", "persistentVolumeClaim: {claimName: data}", 1)
	w.perform(t, operation{name: "a volume", manifest: volume + claim(namespace) + pod, settle: true}, namespace)
	if err := os.WriteFile(filepath.Join(seen, "data"), make([]byte, 60<<20), 0o600); err != nil {
		t.Error(err)
	}
}

// unfinished takes the finalizer away when the week is over.
func unfinished(t *testing.T, w *week, namespace string) {
	pass(t, "40m")
	if _, err := w.cluster.Kubectl(t.Context(), "--namespace", namespace, "patch", "pod", "app", "--type=merge", `--patch={"metadata":{"finalizers":null}}`); err != nil {
		t.Error(err)
	}
}
