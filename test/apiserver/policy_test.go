package apiserver_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/outrider-dev/outrider/cmd/outrider/release"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/manifest"
	"github.com/outrider-dev/outrider/webhook/decider"
)

// withPolicies adds the chart's policies that inject to a server, and starts a replica that keeps their data.
func withPolicies(t *testing.T) *guarded {
	t.Helper()
	return withPoliciesIn(t, "auto")
}

// withPoliciesIn does so with what the chart renders for a webhook.mode. In policy there is no webhook.
func withPoliciesIn(t *testing.T, mode string, flags ...string) *guarded {
	t.Helper()
	client(t)
	if api.Before("1.36") {
		t.Skip("Kubernetes 1.36 brought the policies")
	}
	g := newGuarded(t, nil, 1)
	objects, err := manifest.Rendered(release.Release{}, map[string]any{"webhook": map[string]any{"mode": mode}}, api.Version())
	if err != nil {
		t.Fatal(err)
	}
	c, err := ctrlclient.New(g.server.Config(), ctrlclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		object := &unstructured.Unstructured{Object: o}
		if strings.HasPrefix(object.GetKind(), "MutatingAdmissionPolicy") || strings.HasPrefix(object.GetName(), "outrider-left-") || object.GetKind() == "ConfigMap" && object.GetName() == "outrider-policies" {
			if err := c.Create(t.Context(), object); err != nil {
				t.Fatal(err)
			}
		}
	}
	if mode == "policy" {
		if err := g.c.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(t.Context(), "00-outrider", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	g.start(append([]string{"--policy-parameters=outrider-policies", "--injection=" + mode}, flags...)...)
	return g
}

// admitted creates a pod, and returns it with the number of calls that it cost.
func (g *guarded) admitted(t *testing.T, ns string, pod *corev1.Pod) (*corev1.Pod, float64) {
	t.Helper()
	before := g.replicas[0].calls(t)
	created, err := g.c.CoreV1().Pods(ns).Create(t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created, g.replicas[0].calls(t) - before
}

func asking(annotations map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "cache-", Annotations: annotations},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "redis:7"}}}}
}

func hasRedis(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == "outrider-redis" })
}

// TestDecidedPodsCostNoCall: what the policies inject never reaches the webhook; what they leave does; and while no replica runs,
// what they decide comes with its exporter all the same.
func TestDecidedPodsCostNoCall(t *testing.T) {
	g := withPolicies(t)
	plain, optedIn := g.set(nil).ns, ""
	ns, err := g.c.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: map[string]string{sidecars.InjectKey: sidecars.InjectEnabled}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	optedIn = ns.Name
	eventually(t, func() string { // until the policies are in force, in both kinds of namespaces
		for _, ns := range []string{plain, optedIn} {
			if pod, calls := g.admitted(t, ns, asking(map[string]string{sidecars.InjectKey: "redis"})); calls > 0 || !hasRedis(pod) {
				return fmt.Sprintf("in %s: %v calls, %v", ns, calls, pod.Annotations)
			}
		}
		return ""
	})
	for what, c := range map[string]struct {
		ns    string
		pod   *corev1.Pod
		calls float64
	}{
		"by name":              {plain, asking(map[string]string{sidecars.InjectKey: "redis"}), 0},
		"by auto":              {plain, asking(map[string]string{sidecars.InjectKey: "auto"}), 0},
		"opted in":             {optedIn, asking(nil), 0},
		"with a setting":       {plain, asking(map[string]string{sidecars.InjectKey: "redis", "redis.outrider.dev/port": "6380"}), 0},
		"in two meshes":        {plain, asking(map[string]string{sidecars.InjectKey: "redis", "sidecar.istio.io/inject": "true", "linkerd.io/inject": "enabled"}), 0},
		"in a mesh, ports":     {plain, asking(map[string]string{sidecars.InjectKey: "redis", "linkerd.io/inject": "enabled", "config.linkerd.io/skip-inbound-ports": "1"}), 1},
		"two exporters":        {plain, asking(map[string]string{sidecars.InjectKey: "redis, nginx"}), 1},
		"a bad setting beside": {plain, asking(map[string]string{sidecars.InjectKey: "redis", "redis.outrider.dev/prot": "6380"}), 1},
		"a status by hand":     {plain, asking(map[string]string{sidecars.InjectKey: "redis", sidecars.StatusKey: `{"decisions":[{"exporter":"redis","outcome":"injected","reason":"Annotated","definition":"00000000"}]}`}), 1},
	} {
		pod, calls := g.admitted(t, c.ns, c.pod)
		if !hasRedis(pod) || calls != c.calls {
			t.Errorf("%s: injected %v, %v calls, want %v; %s", what, hasRedis(pod), calls, c.calls, pod.Annotations[sidecars.StatusKey])
		}
		explains(t, g, pod, map[float64]string{0: "decided by the API server's policies\n", 1: "decided by the webhook"}[c.calls])
	}
	g.replicas[0].stop()
	g.replicas = nil
	missed := 0
	for range 20 {
		pod, err := g.c.CoreV1().Pods(plain).Create(t.Context(), asking(map[string]string{sidecars.InjectKey: "auto"}), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !hasRedis(pod) {
			missed++
		}
	}
	if missed > 0 {
		t.Errorf("with no replica %d of 20 pods are missed", missed)
	}
}

// explains holds what outrider explain says of a live pod.
func explains(t *testing.T, g *guarded, pod *corev1.Pod, want string) {
	t.Helper()
	out, err := exec.Command(command(t), "explain", "pod", pod.Name, "-n", pod.Namespace, "--kubeconfig", g.server.Kubeconfig()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v; want %q in\n%s", err, want, out)
	}
}

// TestLeftWithoutAWebhook: in mode policy a pod that the policies leave is reported refused, in the words of the warning that its creator
// got, with what to do; and outrider explain says the same.
func TestLeftWithoutAWebhook(t *testing.T) {
	g := withPoliciesIn(t, "policy", "--coverage-by-label")
	s := g.set(nil)
	create := func(change func(*corev1.Pod)) (*corev1.Pod, []string) {
		t.Helper()
		heard := &warnings{}
		config := g.server.Config()
		config.WarningHandlerWithContext = heard
		c, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		pod := s.template()
		pod.Annotations, pod.Spec.Containers[0].Image = map[string]string{sidecars.InjectKey: "redis"}, "redis:7"
		change(pod)
		created, err := c.CoreV1().Pods(s.ns).Create(t.Context(), pod, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return created, heard.texts
	}
	injected := 0
	eventually(t, func() string {
		pod, _ := create(func(*corev1.Pod) {})
		if !hasRedis(pod) {
			if err := g.c.CoreV1().Pods(s.ns).Delete(t.Context(), pod.Name, now); err != nil {
				t.Fatal(err)
			}
			return "the policies do not inject"
		}
		injected++
		explains(t, g, pod, "decided by the API server's policies\n")
		return ""
	})
	var left *corev1.Pod
	var warned []string
	eventually(t, func() string { // until the policy that warns is in force
		if left != nil {
			if err := g.c.CoreV1().Pods(s.ns).Delete(t.Context(), left.Name, now); err != nil {
				t.Fatal(err)
			}
		}
		if left, warned = create(func(p *corev1.Pod) {
			p.Labels["sidecar.istio.io/inject"], p.Annotations["traffic.sidecar.istio.io/excludeInboundPorts"] = "true", "8080"
		}); len(warned) != 1 {
			return fmt.Sprintf("%d warnings: %v", len(warned), warned)
		}
		return ""
	})
	text := sidecars.Left("Mesh", true)
	if hasRedis(left) || !strings.Contains(warned[0], "(Mesh): "+text) || !strings.Contains(text, "outrider inject") {
		t.Errorf("injected %v, the warning is %q, want %q", hasRedis(left), warned, text)
	}
	explains(t, g, left, "decided by nobody (Mesh): the API server's policies leave it: "+text)
	// What the engine itself refuses keeps its reason.
	create(func(p *corev1.Pod) { p.Annotations["redis.outrider.dev/port"] = "no" })
	ctl := g.replicas[0]
	ctl.covers(t, s.ns, row{"ReplicaSet/shop", "redis", "injected", "Annotated", injected}, row{"ReplicaSet/shop", "redis", "refused", "BadValue", 1}, row{"ReplicaSet/shop", "redis", "refused", "LeftByPolicies", 1})
	report, wrong := ctl.report(t, s.ns)
	if wrong != "" {
		t.Fatal(wrong)
	}
	if r := report.Rows[2]; !strings.HasSuffix(r.Message, "(Mesh): "+text) || report.Rows[0].ByPolicy != injected {
		t.Errorf("coverage says %q, and %d by the policies", r.Message, report.Rows[0].ByPolicy)
	}
	(&covered{Interface: g.c}).hasEvent(t, s.ns, "ReplicaSet", "LeftByPolicies", "(Mesh)", "outrider inject")
}

// TestExporterThatCannotBeExpressed: a custom Exporter says in a condition whether the API server's policies can inject it, and its pods go to
// the webhook where they cannot.
func TestExporterThatCannotBeExpressed(t *testing.T) {
	g := withPolicies(t)
	ns := g.set(nil).ns
	asks := map[string]string{sidecars.InjectKey: "varnish"}
	arrives := func(calls float64, label string) {
		t.Helper()
		eventually(t, func() string {
			if pod, cost := g.admitted(t, ns, asking(asks)); cost != calls || !hasVarnish(pod) || pod.Labels[sidecars.RequestedKey] != label {
				return fmt.Sprintf("%v calls, %d containers, labels %v", cost, len(pod.Spec.Containers), pod.Labels)
			}
			return ""
		})
	}
	if err := g.x.Create(t.Context(), varnish(t, `{}`)); err != nil {
		t.Fatal(err)
	}
	toldOf(t, g.x, "varnish", decider.Expressed, metav1.ConditionTrue, decider.Expressed, "inject it into the pods that they can decide")
	arrives(0, sidecars.RequestedByPolicy)
	patch(t, g.x, "varnish", varnish(t, `{spec: {parameters: [{name: directory, default: /var/lib/varnish, pattern: "/[a-z/\t]*", doc: A pattern with a tab in it.}]}}`).Object)
	toldOf(t, g.x, "varnish", decider.Expressed, metav1.ConditionFalse, decider.NotExpressed, "cannot inject it: a line feed or tab stands in its parameter", "left to the webhook")
	arrives(1, "NotExpressed")
}

// TestSuspensionReachesThePolicies: what is suspended is left to the webhook, which refuses it or takes a probe.
func TestSuspensionReachesThePolicies(t *testing.T) {
	g := withPolicies(t)
	s := g.set(nil)
	eventually(t, func() string {
		if pod, calls := g.admitted(t, s.ns, asking(map[string]string{sidecars.InjectKey: "redis"})); calls > 0 || !hasRedis(pod) {
			return "the policies do not inject"
		}
		return ""
	})
	stored := fmt.Sprintf(`{"exporter":"redis","definition":%q,"reason":"ImagePullBackOff","since":"2026-01-01T00:00:00Z","failed":"2026-01-01T00:00:00Z","until":"2090-01-01T00:00:00Z","trips":1}`,
		sidecars.Builtin().Definition("redis"))
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: releaseNamespace, Name: "outrider-breaker"}, Data: map[string]string{"suspensions.json": "[" + stored + "]"}}
	if _, err := g.c.CoreV1().ConfigMaps(releaseNamespace).Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
		patch := fmt.Sprintf(`{"data": {"suspensions.json": %q}}`, "["+stored+"]")
		if _, err := g.c.CoreV1().ConfigMaps(releaseNamespace).Patch(t.Context(), "outrider-breaker", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() string {
		pod, calls := g.admitted(t, s.ns, asking(map[string]string{sidecars.InjectKey: "redis"}))
		if calls != 1 || hasRedis(pod) || !strings.Contains(pod.Annotations[sidecars.StatusKey], string(sidecars.Suspended)) {
			return fmt.Sprintf("%v calls, injected %v, %s", calls, hasRedis(pod), pod.Annotations[sidecars.StatusKey])
		}
		return ""
	})
}
