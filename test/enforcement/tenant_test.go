package enforcement_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/golden"
)

// tenant is a user who may create pods in one namespace and read them there, and nothing else.
type tenant struct {
	kubernetes.Interface
	namespace string
}

// newTenant makes a namespace with these labels, and its tenant.
func newTenant(t *testing.T, labels map[string]string) tenant {
	t.Helper()
	ctx, c := t.Context(), client(t)
	ns, err := c.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "tenant-", Labels: labels}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	meta := metav1.ObjectMeta{Name: "tenant", Namespace: ns.Name}
	rules := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"create", "get", "list"}}}
	if _, err := c.RbacV1().Roles(ns.Name).Create(ctx, &rbacv1.Role{ObjectMeta: meta, Rules: rules}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RbacV1().RoleBindings(ns.Name).Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "tenant"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: ns.Name}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	config := api.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: ns.Name, Groups: []string{"system:authenticated"}}
	limited, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	made := tenant{limited, ns.Name}
	eventually(t, func() string { // until the API server's authorizer knows the role
		if _, err := made.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{}); err != nil {
			return err.Error()
		}
		return ""
	})
	return made
}

// create has the tenant create a pod, which must be let in.
func (n tenant) create(t *testing.T, change func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	p := redis(sidecars.InjectKey, "redis")
	p.Name, p.GenerateName = "", "p-"
	change(p)
	got, err := n.CoreV1().Pods(n.namespace).Create(t.Context(), p, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if noWebhook {
		attempt := strings.ReplaceAll(t.Name()[strings.IndexByte(t.Name(), '/')+1:], "_", " ")
		said = append(said, attempt+": "+cmp.Or(got.Labels[sidecars.RequestedKey], "not looked at"))
	}
	return got
}

// said is what the API server's policies said of each pod that was tried, where there is no webhook.
var said []string

// TestTenantByPolicies has the tenant try the same where there is no webhook, against the API server's policies. What they said of each pod
// is a golden.
func TestTenantByPolicies(t *testing.T) {
	withoutWebhook(t)
	said = nil
	testTenant(t)
	slices.Sort(said)
	golden.Compare(t, "testdata/tenant-policies.golden", strings.Join(slices.Compact(said), "\n")+"\n", "go test ./test/enforcement -run TestTenantByPolicies -update")
}

// TestTenant lets a tenant try to gain something from Outrider, against the real controller with the permissions that the chart gives it.
//
// What cannot be refused, and is no more than the tenant has without Outrider, or is stated in .github/SECURITY.md:
//   - A Secret of the tenant's own namespace can be named. Who creates pods can mount each of them.
//   - A status, an exemption or a container named outrider-redis can be written by hand: the tenant's own pod is then taken for one
//     that has its exporter. Enforcement is against forgetting; the audit log has exemptions. Prometheus says whose the pod is.
//   - A pod can claim a controller of the same namespace as its owner, as it can without Outrider: it is then counted as one of that
//     workload's, an event may be written there, and repair, where it is on, may restart that workload. Never in another namespace.
//   - A tenant of three namespaces, whose pods in all of them show a failing exporter, can have it suspended for new pods everywhere, for
//     a minute and up to an hour. One namespace harms itself only.
//   - Any client that reaches the webhook's port learns what a pod would get in any namespace: the names that its annotations set as defaults
//     are in the answer. Contents of Secrets are not, since nobody here can read them.
func TestTenant(t *testing.T) { testTenant(t) }

func testTenant(t *testing.T) {
	injecting(t)
	victim := newTenant(t, nil)
	n := newTenant(t, nil)
	if noWebhook {
		policiesActive(t, n)
	}
	attempts := []struct {
		what string
		try  func(t *testing.T)
	}{
		{"a Secret of another namespace", n.foreignSecret},
		{"an exporter that dials another host with the application's password", n.otherHost},
		{"a target that is not the pod", n.foreignTarget},
		{"a job of the stack", n.stackJob},
		{"a status by hand", n.forgedStatus},
		{"a container with an exporter's name", n.forgedContainer},
		{"the monitored label by hand", n.forgedLabel},
		{"privileges through an exporter", n.privileges},
		{"a pod of nothing but the exporter", n.nothing},
		{"another's workload as owner", func(t *testing.T) { n.foreignOwner(t, victim) }},
		{"what belongs to Outrider", n.outridersOwn},
		{"lines in the log", n.log},
		{"series without end", n.cardinality},
		{"the webhook itself", func(t *testing.T) { n.webhook(t, victim) }},
	}
	gained := 0
	for _, attempt := range attempts {
		if !t.Run(attempt.what, attempt.try) {
			gained++
		}
	}
	t.Logf("figure: a tenant who may only create pods gains something in %d of %d ways, without a webhook %t", gained, len(attempts), noWebhook)
}

func (n tenant) foreignSecret(t *testing.T) {
	for _, name := range []string{"outrider/outrider-webhook-tls/tls.key", "outrider:outrider-webhook-tls", "../outrider/outrider-webhook-tls"} {
		got := n.create(t, func(p *corev1.Pod) { p.Annotations["redis.outrider.dev/secret"] = name })
		if len(got.Spec.Containers) != 1 || !answered(t, got, "BadValue") {
			t.Errorf("%s is taken", name)
		}
	}
}

// otherHost plants the address of another host wherever the exporter's address is read from.
func (n tenant) otherHost(t *testing.T) {
	from := &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "own"}, Key: "password"}}
	for what, change := range map[string]func(*corev1.Container){
		"a variable": func(c *corev1.Container) {
			c.Env = append(c.Env, corev1.EnvVar{Name: "REDIS_PORT_NUMBER", Value: "6379@evil.example:1"}, corev1.EnvVar{Name: "REDIS_ADDR", Value: "evil.example:1"})
		},
		"a flag": func(c *corev1.Container) { c.Args = []string{"redis-server", "--port", "1@evil.example:6379"} },
		"a socket": func(c *corev1.Container) {
			c.Args = []string{"redis-server", "--port", "0", "--unixsocket", "/../evil.example:6379"}
		},
	} {
		got := n.create(t, func(p *corev1.Pod) {
			p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "REDIS_PASSWORD", ValueFrom: from}}
			change(&p.Spec.Containers[0])
		})
		if raw := asJSON(t, got.Spec.Containers[1:]); strings.Contains(raw, "evil") {
			t.Errorf("%s: %s", what, raw)
		} else if len(got.Spec.Containers) == 2 && !strings.Contains(raw, `"REDIS_EXPORTER_DISABLE_SCRAPE_ENDPOINT","value":"true"`) {
			t.Errorf("%s: the exporter dials for others: %s", what, raw)
		}
		harmless(t, got)
	}
}

func (n tenant) foreignTarget(t *testing.T) {
	got := n.create(t, func(p *corev1.Pod) {
		p.Annotations[sidecars.ScrapeKey] = "8080"
		p.Annotations["prometheus.io/address"], p.Labels = "10.9.9.9:1", map[string]string{"namespace": "kube-system", "instance": "a", "pod": "b"}
		p.Status = corev1.PodStatus{PodIP: "10.9.9.9", PodIPs: []corev1.PodIP{{IP: "10.9.9.9"}}, HostIP: "10.9.9.9"}
	})
	if got.Status.PodIP != "" {
		t.Errorf("the pod has the address %s", got.Status.PodIP)
	}
	harmless(t, got)
	_, err := n.CoreV1().Pods(n.namespace).Patch(t.Context(), got.Name, types.MergePatchType, []byte(`{"status": {"podIP": "10.9.9.9"}}`), metav1.PatchOptions{}, "status")
	forbidden(t, "to write a pod's address", err)
}

func (n tenant) stackJob(t *testing.T) {
	got := n.create(t, func(p *corev1.Pod) {
		p.Labels = map[string]string{"app": "kubelet", "app.kubernetes.io/name": "apiserver", sidecars.MonitoredKey: "true"}
		p.Annotations[sidecars.ScrapeKey] = "8080"
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "outrider-kubelet", Image: "x", Ports: []corev1.ContainerPort{{Name: "outrider-1", ContainerPort: 1}}})
	})
	for _, target := range targetsOf(t, got) {
		if job := target.Labels["job"]; job != "pods" && job != "redis" {
			t.Errorf("its job is %q: %v", job, target)
		}
	}
	harmless(t, got)
}

func (n tenant) forgedStatus(t *testing.T) {
	got := n.create(t, func(p *corev1.Pod) {
		p.Annotations[sidecars.StatusKey] = `{"decisions":[{"exporter":"redis","outcome":"injected","reason":"Annotated","definition":"00000000","message":"<b>\n"}],"pullSecrets":["another"]}`
	})
	if noWebhook { // they look at no pod that has a status: it is as the tenant made it, and coverage reports it missed
		if len(got.Spec.Containers) != 1 || len(got.Spec.ImagePullSecrets) > 0 || got.Labels[sidecars.MonitoredKey] != "" {
			t.Errorf("the forged status is believed: %s", asJSON(t, got))
		}
	} else if len(got.Spec.Containers) != 2 || len(got.Spec.ImagePullSecrets) > 0 || strings.Contains(got.Annotations[sidecars.StatusKey], "<b>") {
		t.Errorf("the forged status is believed: %s", got.Annotations[sidecars.StatusKey])
	}
	harmless(t, got)
}

func (n tenant) forgedContainer(t *testing.T) {
	forge := func(p *corev1.Pod) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "outrider-redis", Image: "evil.example/x:1", Ports: []corev1.ContainerPort{{Name: "outrider-9121", ContainerPort: 9121}}})
	}
	if got := n.create(t, forge); len(got.Spec.Containers) != 2 || !answered(t, got, "NameCollision") || got.Labels[sidecars.MonitoredKey] != "" {
		t.Errorf("it is taken for ours: %s", got.Annotations[sidecars.StatusKey])
	}
	got := n.create(t, func(p *corev1.Pod) {
		forge(p)
		p.Labels = map[string]string{sidecars.MonitoredKey: "true"}
	})
	for _, target := range targetsOf(t, got) {
		if target.Labels["namespace"] != n.namespace || target.Labels["pod"] != got.Name {
			t.Errorf("it is scraped as %v", target.Labels)
		}
	}
}

func (n tenant) forgedLabel(t *testing.T) {
	got := n.create(t, func(p *corev1.Pod) {
		p.Annotations, p.Labels = nil, map[string]string{sidecars.MonitoredKey: "true"}
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "outrider-8080", ContainerPort: 8080}}
	})
	if found := targetsOf(t, got); len(found) > 0 {
		t.Errorf("it is scraped: %v", found)
	}
}

func (n tenant) privileges(t *testing.T) {
	got := n.create(t, func(p *corev1.Pod) {
		for _, key := range []string{"privileged", "hostNetwork", "host-port", "volumes", "image", "command", "run-as-user"} {
			p.Annotations["redis.outrider.dev/"+key] = "true"
		}
		p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64)}
	})
	if !answered(t, got, "UnknownParameter") || got.Spec.HostNetwork || got.Spec.HostPID {
		t.Errorf("%s", got.Annotations[sidecars.StatusKey])
	}
	harmless(t, got)
	got = n.create(t, func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	if len(got.Spec.Containers) != 1 || !answered(t, got, "HostNetwork") {
		t.Error("an exporter opens its port on the node")
	}
}

func (n tenant) nothing(t *testing.T) {
	p := redis(sidecars.InjectKey, "redis")
	p.Spec.Containers = nil
	if _, err := n.CoreV1().Pods(n.namespace).Create(t.Context(), p, metav1.CreateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("a pod without containers: %v", err)
	}
}

// foreignOwner has events about the owner written where the pod is, and nowhere else.
func (n tenant) foreignOwner(t *testing.T, victim tenant) {
	yes, owner := true, "payments-of-"+victim.namespace
	n.create(t, func(p *corev1.Pod) {
		p.Annotations["redis.outrider.dev/port"] = "no"
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: owner, UID: "u", Controller: &yes}}
	})
	eventually(t, func() string {
		events, err := client(t).CoreV1().Events(metav1.NamespaceAll).List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + owner})
		if err != nil {
			return err.Error()
		}
		for _, e := range events.Items {
			if e.Namespace != n.namespace || e.InvolvedObject.Namespace != n.namespace {
				t.Errorf("an event in %s about %s", e.Namespace, e.InvolvedObject.Namespace)
			}
			if strings.ContainsAny(e.Message, "\n\r\x00") {
				t.Errorf("the event says %q", e.Message)
			}
		}
		if len(events.Items) == 0 {
			return "there is no event"
		}
		return ""
	})
	left, err := client(t).CoreV1().Events(victim.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(left.Items) > 0 {
		t.Errorf("the victim has %d events: %v", len(left.Items), err)
	}
}

func (n tenant) outridersOwn(t *testing.T) {
	ctx := t.Context()
	_, err := n.CoreV1().Secrets(releaseNamespace).Get(ctx, "outrider-webhook-tls", metav1.GetOptions{})
	forbidden(t, "to read the webhook's key", err)
	_, err = n.CoreV1().ConfigMaps(releaseNamespace).Patch(ctx, "outrider-breaker", types.MergePatchType, []byte(`{"data": {"x": "y"}}`), metav1.PatchOptions{})
	forbidden(t, "to suspend an exporter", err)
	_, err = n.CoreV1().ConfigMaps(releaseNamespace).Patch(ctx, parameters, types.MergePatchType, []byte(`{"data": {"date": "1999-01-01"}}`), metav1.PatchOptions{})
	forbidden(t, "to change the policies' parameters", err)
	exporter := `{"apiVersion": "outrider.dev/v1alpha1", "kind": "Exporter", "metadata": {"name": "redis"}, "spec": {}}`
	err = n.CoreV1().RESTClient().Post().AbsPath("/apis/outrider.dev/v1alpha1/exporters").SetHeader("Content-Type", "application/json").Body([]byte(exporter)).Do(ctx).Error()
	forbidden(t, "to replace an exporter", err)
	_, err = n.CoreV1().Namespaces().Patch(ctx, n.namespace, types.MergePatchType, []byte(`{"metadata": {"labels": {"outrider.dev/enforce": null}}}`), metav1.PatchOptions{})
	forbidden(t, "to end enforcement", err)
}

func (n tenant) log(t *testing.T) {
	for _, evil := range []string{"x\n{\"level\":\"ERROR\",\"msg\":\"forged\"}", "\x1b[31mred", "\u2028x\r\nforged"} {
		n.create(t, func(p *corev1.Pod) {
			p.Annotations[sidecars.InjectKey], p.Annotations["redis.outrider.dev/port"], p.Annotations[sidecars.ScrapeKey] = evil, evil, evil
		})
	}
	raw, err := os.ReadFile(running.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		var entry map[string]any
		if bytes.HasSuffix(line, []byte("\n")) && json.Unmarshal(line, &entry) != nil || entry["msg"] == "forged" || bytes.Contains(line, []byte{0x1b}) {
			t.Errorf("the log has the line %q", line)
		}
	}
}

func (n tenant) cardinality(t *testing.T) {
	series := func() int {
		body, status := endpoint.Get("http://" + running.metrics + "/metrics")
		if status != http.StatusOK {
			t.Fatal(body)
		}
		return strings.Count(body, "\noutrider_decisions_total{")
	}
	try := func(i int) {
		n.create(t, func(p *corev1.Pod) {
			p.Annotations[sidecars.InjectKey] = fmt.Sprintf("made-up-%d,redis", i)
			p.Annotations[fmt.Sprintf("made-up-%d.outrider.dev/x", i)] = "y"
			p.Annotations[fmt.Sprintf("redis.outrider.dev/made-up-%d", i)] = "y"
			p.Annotations[fmt.Sprintf("outrider.dev/made-up-%d", i)] = "y"
		})
	}
	try(0)
	before := series()
	for i := range 20 {
		try(i + 1)
	}
	if after := series(); after != before {
		t.Errorf("%d series became %d", before, after)
	}
}

// webhook posts to the webhook as if it were the API server, about a pod in the victim's namespace.
func (n tenant) webhook(t *testing.T, victim tenant) {
	pod := redis(sidecars.InjectKey, "redis")
	pod.Namespace = victim.namespace
	body := fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE","namespace":%q,"object":%s}}`, victim.namespace, asJSON(t, pod))
	hc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+webhookAddress+"/inject/annotated", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := hc.Do(req)
	if noWebhook {
		if err == nil {
			resp.Body.Close()
			t.Error("there is a webhook")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if said, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(said, []byte(`"allowed":true`)) {
		t.Errorf("%d %s %v", resp.StatusCode, said, err)
	}
	pods, err := client(t).CoreV1().Pods(victim.namespace).List(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	if err != nil || len(pods.Items) > 0 {
		t.Errorf("the victim has %d pods: %v", len(pods.Items), err)
	}
}

func targetsOf(t *testing.T, pod *corev1.Pod) []discovery.Target {
	t.Helper()
	pod = pod.DeepCopy()
	pod.Status.PodIP = "10.1.2.3"
	found, err := discovery.Targets(pod)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func forbidden(t *testing.T, what string, err error) {
	t.Helper()
	if !apierrors.IsForbidden(err) {
		t.Errorf("the tenant may try %s: %v", what, err)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
