package enforcement_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
)

// theAPI says that the API server itself refuses an annotation; literal, that a value is taken as it stands and reaches the pod's own
// server only.
const (
	theAPI  = "the API server"
	literal = "literal"
)

// injections are annotations that try to become something else than a value, by exporter and key, with the reason by which each is
// answered. None ends in a container, an address or a label that the definition does not give.
var injections = []struct{ exporter, key, value, answer string }{
	{"redis", "redis.outrider.dev/port", "6379\n    - name: EVIL\n      value: x", "BadValue"},
	{"redis", "redis.outrider.dev/port", `6379", "privileged": true, "x": "`, "BadValue"},
	{"redis", "redis.outrider.dev/port", "6379}} {{ .Values }}", "BadValue"},
	{"redis", "redis.outrider.dev/port", `6379"} or redis_up{job="kubelet`, "BadValue"},
	{"redis", "redis.outrider.dev/port", "__address__=evil.example:1", "BadValue"},
	{"redis", "redis.outrider.dev/port", "６３７９", "BadValue"},
	{"redis", "redis.outrider.dev/port", "6379\u202e", "BadValue"},
	{"redis", "redis.outrider.dev/port", "6379\x00", "BadValue"},
	{"redis", "redis.outrider.dev/port", "6379\n", "BadValue"},
	{"redis", "redis.outrider.dev/port", "$(REDIS_PASSWORD)", "BadValue"},
	{"redis", "redis.outrider.dev/port", "${scheme}", "BadValue"},
	{"redis", "redis.outrider.dev/port", "../../../etc/passwd", "BadValue"},
	{"redis", "redis.outrider.dev/port", "6379@evil.example:1", "BadValue"},
	{"redis", "redis.outrider.dev/port", "65536", "BadValue"},
	{"redis", "redis.outrider.dev/port", strings.Repeat("9", 200<<10), "BadValue"},
	{"redis", "redis.outrider.dev/port", strings.Repeat("9", 256<<10), theAPI},
	{"redis", "redis.outrider.dev/scheme", "rediss://evil.example/?x=tcp", "BadValue"},
	{"redis", "redis.outrider.dev/../port", "6379", theAPI},
	{"redis", "redis\n.outrider.dev/port", "6379", theAPI},
	{"redis", "redis.outrider.dev/host", "evil.example", "BadValue"},
	{"redis", "redis.outrider.dev/image", "evil.example/x:1", "UnknownParameter"},
	{"redis", "redis.outrider.dev/securityContext", `{"privileged": true}`, "UnknownParameter"},
	{"redis", "redis.outrider.dev/hostPort", "9121", "UnknownParameter"},
	{"redis", "redis.outrider.dev/args", "--config-command=SHUTDOWN", "UnknownParameter"},
	{"redis", "redis.outrider.dev/REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT", "false", "UnknownParameter"},
	{"redis", "outrider.dev/image", "evil.example/x:1", "UnknownKey"},
	{"redis", "outrider.dev/image-registry", "evil.example", "UnknownKey"},
	{"redis", "outrider.dev/placement", "privileged", "BadValue"},
	{"redis", "redis.outrider.dev/secret", "kube-system/admin/token", "BadValue"},
	{"redis", "redis.outrider.dev/secret", "../kube-system/admin", "BadValue"},
	{"redis", "redis.outrider.dev/secret", "a/..", "BadValue"},
	{"redis", "redis.outrider.dev/secret", "a/b\nc", "BadValue"},
	{"redis", "redis.outrider.dev/secret", "", "BadValue"},
	{"redis", "redis.outrider.dev/secret", "own/password", literal},
	{"redis", "redis.outrider.dev/container", "../app", "BadValue"},
	{"redis", "redis.outrider.dev/container", "outrider-redis", "BadValue"},
	{"nginx", "nginx.outrider.dev/path", "@evil.example/", "BadValue"},
	{"nginx", "nginx.outrider.dev/path", "/x?target=evil.example", "BadValue"},
	{"nginx", "nginx.outrider.dev/path", "/\r\nHost: evil.example", "BadValue"},
	{"nginx", "nginx.outrider.dev/path", "/%2e%2e/", "BadValue"},
	{"nginx", "nginx.outrider.dev/path", "/../../admin", literal},
	{"nginx", "nginx.outrider.dev/path", "//evil.example/", literal},
	{"postgres", "postgres.outrider.dev/database", "postgres?host=evil.example", "BadValue"},
	{"postgres", "postgres.outrider.dev/database", "../x", "BadValue"},
	{"postgres", "postgres.outrider.dev/sslmode", "disable&host=evil.example", "BadValue"},
	{"postgres", "postgres.outrider.dev/user", "postgres password=x host=evil.example", "BadValue"},
	{"pgbouncer", "pgbouncer.outrider.dev/user", "x host=evil.example", "BadValue"},
	{"mongodb", "mongodb.outrider.dev/user", "root:x@evil.example/?", "BadValue"},
	{"redis", "outrider.dev/scrape", "8080@evil.example:80/", "BadValue"},
	{"redis", "outrider.dev/scrape", "evil.example:8080", "BadValue"},
	{"redis", "outrider.dev/scrape", "8080/x?y=z", "BadValue"},
	{"redis", "outrider.dev/scrape", "kubelet=8080", "BadValue"},
	{"redis", "outrider.dev/scrape", "outrider-controller=8080", "BadValue"},
	{"redis", "outrider.dev/scrape", "__address__=8080", "BadValue"},
	{"redis", "outrider.dev/scrape", "a=8080\nkubelet=9", "BadValue"},
	{"redis", "outrider.dev/scrape", `a{b="c"}=8080`, "BadValue"},
	{"redis", "outrider.dev/scrape", "８０８０", "BadValue"},
	{"redis", "outrider.dev/scrape", "8080\x00", "BadValue"},
	{"redis", "outrider.dev/scrape", "8080" + strings.Repeat(" ", 200<<10), "BadValue"},
	{"redis", "outrider.dev/scrape", strings.Repeat("8080,", 40_000), "BadValue"},
	{"redis", "outrider.dev/scrape", "8080/../../..", literal},
	{"../../etc/passwd", "", "", "UnknownExporter"},
	{"redis\nnginx", "", "", "UnknownExporter"},
	{"{{ .Namespace }}", "", "", "UnknownExporter"},
	{"kubelet", "", "", "UnknownExporter"},
	{strings.Repeat("redis,", 1000), "", "", "BadValue"},
}

// TestInjection sends each through the real API server to the real controller, as a tenant who may only create pods.
func TestInjection(t *testing.T) { testInjection(t) }

// TestInjectionByPolicies has the API server's policies decide the same, without a webhook: they leave what is more than a value.
func TestInjectionByPolicies(t *testing.T) {
	withoutWebhook(t)
	testInjection(t)
}

func testInjection(t *testing.T) {
	injecting(t)
	tenant := newTenant(t, nil)
	if noWebhook {
		policiesActive(t, tenant)
	}
	refused := 0
	for i, in := range injections {
		t.Run(fmt.Sprintf("%.40q %.40q", in.key, in.value), func(t *testing.T) {
			p := redis(sidecars.InjectKey, in.exporter)
			p.Name = fmt.Sprint("p", i)
			if in.key != "" {
				p.Annotations[in.key] = in.value
			}
			got, err := tenant.CoreV1().Pods(tenant.namespace).Create(t.Context(), p, metav1.CreateOptions{})
			if in.answer == theAPI {
				if refused++; !apierrors.IsInvalid(err) {
					t.Errorf("the API server says %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if in.answer != literal {
				if refused++; !answered(t, got, in.answer) {
					t.Errorf("it is not answered by %s: %.2000s", in.answer, got.Annotations[sidecars.StatusKey])
				}
			}
			harmless(t, got)
		})
	}
	t.Logf("figure: annotations that try to be more than a value: %d of %d refused, the others harmless", refused, len(injections))
}

// answered holds that a pod's status refuses something for a reason; without a webhook, that the policies left the pod for one of theirs.
func answered(t *testing.T, pod *corev1.Pod, reason string) bool {
	t.Helper()
	if noWebhook {
		return sidecars.Left(pod.Labels[sidecars.RequestedKey], true) != "" && pod.Annotations[sidecars.StatusKey] == ""
	}
	raw := pod.Annotations[sidecars.StatusKey]
	var status sidecars.Status
	if err := json.Unmarshal([]byte(raw), &status); err != nil {
		t.Errorf("the status is no JSON: %v", err)
	}
	if len(raw) > 8<<10 || strings.ContainsAny(raw, "\n\r\x00") {
		t.Errorf("the status has %d bytes: %.200q", len(raw), raw)
	}
	for _, d := range status.Decisions {
		if string(d.Reason) == reason && (d.Outcome == sidecars.Refused || d.Outcome == sidecars.Ignored) {
			return true
		}
	}
	return false
}

// harmless holds that a pod's exporters are what the catalog says, that they reach 127.0.0.1 only, and that Prometheus asks the pod
// itself and knows whose it is.
func harmless(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		name, ours := strings.CutPrefix(c.Name, sidecars.ContainerPrefix)
		spec, known := sidecars.Builtin().Spec(name)
		if !ours || !known {
			continue
		}
		sc := c.SecurityContext
		if c.Image != spec.Image || len(c.Command) > 0 || sc == nil || sc.Privileged != nil || !*sc.RunAsNonRoot || *sc.AllowPrivilegeEscalation || len(sc.Capabilities.Add) > 0 || c.Ports[0].HostPort != 0 {
			t.Errorf("the exporter is not the catalog's: %+v", c)
		}
		said := append([]string{}, c.Args...)
		for _, v := range c.Env {
			said = append(said, v.Value)
			if ref := v.ValueFrom; ref != nil && (ref.SecretKeyRef == nil || ref.SecretKeyRef.Name != "own") {
				t.Errorf("%s is %+v", v.Name, ref)
			}
		}
		for _, s := range said {
			if _, address, ok := strings.Cut(s, "://"); ok && !strings.HasPrefix(address, "127.0.0.1:") || strings.ContainsAny(s, "@\n\r\x00") {
				t.Errorf("the exporter gets %q", s)
			}
		}
	}
	pod = pod.DeepCopy()
	pod.Status.PodIP = "10.1.2.3"
	targets, err := discovery.Targets(pod)
	if err != nil {
		t.Error(err)
	}
	for _, target := range targets {
		if !strings.HasPrefix(target.URL, "http://10.1.2.3:") || target.Labels["namespace"] != pod.Namespace || target.Labels["pod"] != pod.Name || len(target.Labels) > 6 {
			t.Errorf("Prometheus asks %s and calls it %v", target.URL, target.Labels)
		}
	}
}
