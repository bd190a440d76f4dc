package charts_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// everything switches every component on, with copies where they can have some.
const everything = `controller: {replicas: 2}, prometheus: {replicas: 2, shards: 2}, alertmanager: {replicas: 2}, thanos: {enabled: true, objectStorageSecret: bucket, store: {replicas: 2}}, grafana: {enabled: true}, metricsServer: {enabled: true, replicas: 2}, blackboxExporter: {enabled: true, replicas: 2}`

// Each key of the block common changes every component's pod, and nothing is forgotten for one of them.
func TestCommonIsForEveryComponent(t *testing.T) {
	common := `{imagePullPolicy: Always, priorityClassName: high, runtimeClassName: gvisor, nodeSelector: {pool: infra}, tolerations: [{key: infra, operator: Exists}],
		affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}},
		topologySpreadConstraints: [{maxSkew: 2, topologyKey: rack, whenUnsatisfiable: DoNotSchedule}], podAnnotations: {note: x}, podLabels: {cost: c1},
		podSecurityContext: {runAsUser: null, runAsGroup: 7, supplementalGroups: [9]}, securityContext: {privileged: false}, dnsPolicy: Default, dnsConfig: {options: [{name: ndots, value: "1"}]},
		hostAliases: [{ip: 10.0.0.9, hostnames: [a.example]}], terminationGracePeriodSeconds: 77, probes: {liveness: {periodSeconds: 31}, readiness: {failureThreshold: 32}},
		extraEnv: [{name: HTTPS_PROXY, value: "http://p"}], extraVolumes: [{name: ca, configMap: {name: ca}}], extraVolumeMounts: [{name: ca, mountPath: /etc/ca}],
		extraContainers: [{name: proxy, image: "a.example/p:1.0.0"}], extraInitContainers: [{name: wait, image: "a.example/w:1.0.0"}],
		updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 3}}, revisionHistoryLimit: 3, podDisruptionBudget: {maxUnavailable: 50%}, serviceAccount: {annotations: {role: r}}}`
	l := loads(t, releaseName, parse(t, "{common: "+common+", commonLabels: {team: t1}, "+everything+"}"))
	found := workloads(l.objects)
	if len(found) != 13 {
		t.Fatalf("%d components", len(found))
	}
	for _, w := range found {
		spec, main := w.pod.Spec, w.pod.Spec.Containers[0]
		ids := spec.SecurityContext
		for what, ok := range map[string]bool{
			"imagePullPolicy": main.ImagePullPolicy == corev1.PullAlways, "priorityClassName": spec.PriorityClassName == "high",
			"runtimeClassName": spec.RuntimeClassName != nil && *spec.RuntimeClassName == "gvisor",
			"nodeSelector":     cmp.Equal(map[string]string{"kubernetes.io/os": "linux", "pool": "infra"}, spec.NodeSelector),
			"tolerations":      w.component == "node-exporter" || len(spec.Tolerations) == 1 && spec.Tolerations[0].Key == "infra",
			"affinity":         spec.Affinity.NodeAffinity != nil && spec.Affinity.PodAntiAffinity == nil,
			"topologySpread":   len(spec.TopologySpreadConstraints) == 1 && spec.TopologySpreadConstraints[0].LabelSelector.MatchLabels["app.kubernetes.io/component"] == w.component,
			"podAnnotations":   w.pod.Annotations["note"] == "x", "podLabels": w.pod.Labels["cost"] == "c1" && w.pod.Labels["team"] == "t1",
			"podSecurityContext": ids.RunAsUser == nil && *ids.RunAsGroup == 7 && len(ids.SupplementalGroups) == 1 && *ids.RunAsNonRoot,
			"securityContext":    main.SecurityContext.Privileged != nil && *main.SecurityContext.ReadOnlyRootFilesystem,
			"dnsPolicy":          spec.DNSPolicy == corev1.DNSDefault, "dnsConfig": spec.DNSConfig != nil, "hostAliases": len(spec.HostAliases) == 1,
			"terminationGracePeriodSeconds": *spec.TerminationGracePeriodSeconds == 77,
			"probes":                        main.LivenessProbe.PeriodSeconds == 31 && main.ReadinessProbe.FailureThreshold == 32 && main.LivenessProbe.ProbeHandler != corev1.ProbeHandler{},
			"extraEnv":                      slices.ContainsFunc(main.Env, func(e corev1.EnvVar) bool { return e.Name == "HTTPS_PROXY" }),
			"extraVolumes":                  slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == "ca" && v.ConfigMap != nil }),
			"extraVolumeMounts":             slices.ContainsFunc(main.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/etc/ca" }),
			"extraContainers":               spec.Containers[len(spec.Containers)-1].Name == "proxy",
			"extraInitContainers":           len(spec.InitContainers) == 1,
		} {
			if !ok {
				t.Errorf("%s does not take %s", w.component, what)
			}
		}
	}
	for _, o := range l.objects {
		m := o.(metav1.Object)
		if m.GetLabels()["team"] != "t1" {
			t.Errorf("%T %s has no common label", o, m.GetName())
		}
		switch o := o.(type) {
		case *appsv1.Deployment:
			rollout(t, o.Name, o.Spec.RevisionHistoryLimit, o.Spec.Strategy)
		case *appsv1.StatefulSet:
			rollout(t, o.Name, o.Spec.RevisionHistoryLimit, o.Spec.UpdateStrategy)
		case *appsv1.DaemonSet:
			rollout(t, o.Name, o.Spec.RevisionHistoryLimit, o.Spec.UpdateStrategy)
		case *policyv1.PodDisruptionBudget:
			if o.Spec.MaxUnavailable.String() != "50%" {
				t.Errorf("%s: %v", o.Name, o.Spec.MaxUnavailable)
			}
		case *corev1.ServiceAccount:
			if o.Annotations["role"] != "r" {
				t.Errorf("ServiceAccount %s has the annotations %v", o.Name, o.Annotations)
			}
		}
	}
}

func rollout(t *testing.T, name string, history *int32, strategy any) {
	t.Helper()
	text, err := json.Marshal(strategy)
	if err != nil || *history != 3 || !strings.Contains(string(text), `"maxUnavailable":3`) {
		t.Errorf("%s keeps %d revisions, updates by %s (%v)", name, *history, text, err)
	}
}

// A component's own block wins over common, and only for that component.
func TestComponentsOverrideCommon(t *testing.T) {
	l := loads(t, releaseName, parse(t, `{common: {priorityClassName: low, podLabels: {a: "1", b: "1"}, tolerations: [{key: x}], podDisruptionBudget: {enabled: true}},
		prometheus: {priorityClassName: high, podLabels: {b: "2"}, tolerations: [], replicas: 2, podDisruptionBudget: {enabled: false}}, alertmanager: {replicas: 2}}`))
	for _, w := range workloads(l.objects) {
		class, b := "low", "1"
		if w.component == "prometheus" {
			class, b = "high", "2"
		}
		if w.pod.Spec.PriorityClassName != class || w.pod.Labels["a"] != "1" || w.pod.Labels["b"] != b || (len(w.pod.Spec.Tolerations) == 0) != (w.component == "prometheus") {
			t.Errorf("%s: %s, %v, %v", w.component, w.pod.Spec.PriorityClassName, w.pod.Labels, w.pod.Spec.Tolerations)
		}
	}
	if budgets := names(all[*policyv1.PodDisruptionBudget](l.objects)); !cmp.Equal([]string{"outrider-alertmanager", "outrider-webhook"}, budgets) {
		t.Errorf("budgets %v", budgets)
	}
}

// Accounts and roles of one's own: nothing is created, and every pod and binding names the account.
func TestAccountsOfOnesOwn(t *testing.T) {
	l := loads(t, releaseName, parse(t, `{common: {serviceAccount: {create: false, name: shared}}, prometheus: {serviceAccount: {create: true, name: "", annotations: {}}}, `+strings.Replace(everything, "prometheus: {replicas: 2, shards: 2}, ", "", 1)+`}`))
	if accounts := names(all[*corev1.ServiceAccount](l.objects)); !cmp.Equal([]string{"outrider-prometheus"}, accounts) {
		t.Errorf("accounts %v", accounts)
	}
	for _, w := range workloads(l.objects) {
		if got := w.pod.Spec.ServiceAccountName; (got == "shared") == (w.component == "prometheus") {
			t.Errorf("%s runs as %s", w.component, got)
		}
	}
	for _, b := range all[*rbacv1.ClusterRoleBinding](l.objects) {
		if got := b.Subjects[0].Name; (got == "shared") == (b.Name == "outrider-prometheus") {
			t.Errorf("%s binds %s", b.Name, got)
		}
	}
	l = loads(t, releaseName, parse(t, `{rbac: {create: false}, `+everything+`}`))
	if got := rules(l.objects); len(got) != 0 {
		t.Errorf("roles are created: %v", slices.Collect(maps.Keys(got)))
	}
	if n := len(all[*rbacv1.RoleBinding](l.objects)) + len(all[*rbacv1.ClusterRoleBinding](l.objects)); n != 0 {
		t.Errorf("%d bindings are created", n)
	}
}

// Names and namespaces of one's own reach everything that refers to them.
func TestOverrides(t *testing.T) {
	l := loads(t, "o", parse(t, `{nameOverride: metrics, namespaceOverride: elsewhere, extraObjects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: mine, namespace: elsewhere}}], `+everything+`}`))
	for _, o := range l.objects {
		m := o.(metav1.Object)
		if ns := m.GetNamespace(); ns == namespace {
			t.Errorf("%T %s is in the release's namespace", o, m.GetName())
		}
	}
	named[*appsv1.Deployment](t, l.objects, "o-metrics-controller")
	named[*corev1.ConfigMap](t, l.objects, "mine")
	if text := renderText(t, l); strings.Contains(text, namespace) {
		t.Errorf("the release's namespace is named:\n%s", text[max(0, strings.Index(text, namespace)-200):])
	}
}

func renderText(t *testing.T, l loaded) string {
	t.Helper()
	text, err := json.Marshal(l.objects)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// On a node's network no port is the kubelet's, and names of Services are found.
func TestHostNetwork(t *testing.T) {
	l := loads(t, releaseName, parse(t, `{webhook: {hostNetwork: true, ports: {health: 12345}}, metricsServer: {enabled: true, hostNetwork: true}}`))
	taken := map[int32]bool{10248: true, 10249: true, 10250: true, 10256: true, 10257: true, 10258: true, 10259: true, 8080: true, 8081: true}
	for _, w := range workloads(l.objects) {
		spec := w.pod.Spec
		if !spec.HostNetwork || w.component == "node-exporter" {
			continue
		}
		if spec.DNSPolicy != corev1.DNSClusterFirstWithHostNet {
			t.Errorf("%s: %s", w.component, spec.DNSPolicy)
		}
		for name, port := range portsOf(w.pod) {
			if taken[port] {
				t.Errorf("%s: port %s is %d", w.component, name, port)
			}
			taken[port] = true
		}
	}
	if !taken[10260] || !taken[10261] || !taken[12345] || !taken[10263] {
		t.Errorf("ports %v", taken)
	}
	for _, d := range all[*appsv1.Deployment](l.objects) { // two pods of a rollout cannot share a node's port
		if r := d.Spec.Strategy.RollingUpdate; d.Spec.Template.Spec.HostNetwork && r.MaxSurge.IntValue() != 0 {
			t.Errorf("%s: %v", d.Name, r)
		}
	}
	if args := l.args(t, "webhook"); !slices.Contains(args, "--webhook-bind-address=:10260") {
		t.Errorf("%q", args)
	}
}
