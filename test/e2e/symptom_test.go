package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/cert"

	"github.com/outrider-dev/outrider/sidecars"
)

// The symptoms of the runbook that other tests have anyway.
const (
	webhookDown    = "…of any new pod"
	badCertificate = "…and the API server reports a bad certificate"
	suspended      = "New pods start without their exporter"
)

// scenario brings a symptom about in a namespace and returns where to look: a
// namespace, most often the same, and a pod.
type scenario func(t *testing.T, e *env, ns string) (namespace, pod string)

// scenarios are the symptoms of the runbook that need nothing but pods.
var scenarios = map[string]scenario{
	"No `outrider-…` container, though the Deployment is annotated": wrongPlace,
	"…though the pod is annotated, in a namespace of the system's":  excludedNamespace,
	"…though the pod is annotated, and older than Outrider":         olderPod,
	"…and a parameter is misspelled":                                misspelled,
	"…and the exporter's port is taken":                             takenPort,
	"…and the namespace has a quota":                                quota,
	"The pod is not Ready, its exporter's image cannot be pulled":   absentImage,
	"`redis_up` is 0: wrong password":                               wrongPassword,
	"`redis_up` is 0: wrong port":                                   wrongPort,
	"A target is down":                                              targetDown,
}

// testSymptoms brings every symptom of the runbook about and runs the check of its
// row, as it stands.
func testSymptoms(t *testing.T, e *env) {
	sh := e.shell(t)
	sh.install(t)
	for i, row := range symptoms(t) {
		bring, known := scenarios[row.Name]
		if !known {
			continue // another test has it: TestEverySymptomIsTested
		}
		t.Run(fmt.Sprintf("symptom-%d", i), func(t *testing.T) {
			t.Parallel()
			ns, pod := bring(t, e, e.namespace(t))
			sh.check(t, row.Name, ns, pod)
		})
	}
}

func wrongPlace(t *testing.T, e *env, ns string) (string, string) {
	e.apply(t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache, namespace: %s, annotations: {outrider.dev/inject: redis}}
spec:
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec: {nodeSelector: {outrider.dev/none: such}, containers: [{name: redis, image: "docker.io/library/redis:7.0.15"}]}
`, ns))
	name := ""
	eventually(t, func() string {
		pods, err := e.client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(pods.Items) != 1 {
			return fmt.Sprintf("the Deployment has no pod: %v", err)
		}
		name = pods.Items[0].Name
		return ""
	})
	return ns, name
}

func excludedNamespace(t *testing.T, e *env, _ string) (string, string) {
	const name = "outrider-e2e-excluded"
	t.Cleanup(func() {
		if err := e.client.CoreV1().Pods(metav1.NamespaceSystem).Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	e.create(t, metav1.NamespaceSystem, name, map[string]string{sidecars.InjectKey: "redis"})
	return metav1.NamespaceSystem, name
}

// olderPod asks after it was created, as a pod asks that was there before.
func olderPod(t *testing.T, e *env, ns string) (string, string) {
	e.create(t, ns, "cache", nil)
	asks := []byte(`{"metadata":{"annotations":{"outrider.dev/inject":"redis"}}}`)
	if _, err := e.client.CoreV1().Pods(ns).Patch(t.Context(), "cache", types.MergePatchType, asks, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	return ns, "cache"
}

func misspelled(t *testing.T, e *env, ns string) (string, string) {
	e.create(t, ns, "cache", map[string]string{sidecars.InjectKey: "redis", "redis.outrider.dev/prot": "6380"})
	return ns, "cache"
}

func takenPort(t *testing.T, e *env, ns string) (string, string) {
	return ns, e.redis(t, ns, `outrider.dev/inject: redis`, `ports: [{containerPort: 9121}]`)
}

// quota leaves room for the application and not for an exporter.
func quota(t *testing.T, e *env, ns string) (string, string) {
	memory := func(s string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceLimitsMemory: resource.MustParse(s)}
	}
	_, err := e.client.CoreV1().ResourceQuotas(ns).Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "small"}, Spec: corev1.ResourceQuotaSpec{Hard: memory("100Mi")},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string { // until the controllers know of it
		_, err := e.client.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "cache", Annotations: map[string]string{sidecars.InjectKey: "redis"}},
			Spec: corev1.PodSpec{NodeSelector: map[string]string{"outrider.dev/none": "such"}, Containers: []corev1.Container{{
				Name: "redis", Image: "redis:7",
				Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")}},
			}}},
		}, metav1.CreateOptions{})
		if err != nil {
			return err.Error()
		}
		return ""
	})
	return ns, "cache"
}

func absentImage(t *testing.T, e *env, ns string) (string, string) {
	e.apply(t, []byte(strings.NewReplacer("{name: redis}", "{name: absent}", "[redis]", "[absent]", "redis_up", "absent_up").Replace(brokenRedis)))
	i := 0
	eventually(t, func() string { // until the webhook knows of it
		i++
		name := fmt.Sprintf("try-%d", i)
		if pod := e.create(t, ns, name, map[string]string{sidecars.InjectKey: "absent"}); len(added(pod.Spec.Containers)) != 1 {
			return "no exporter: " + pod.Annotations[sidecars.StatusKey]
		}
		return ""
	})
	return ns, e.redis(t, ns, "outrider.dev/inject: absent", "")
}

func wrongPassword(t *testing.T, e *env, ns string) (string, string) {
	if _, err := e.client.CoreV1().Secrets(ns).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "cache"}, StringData: map[string]string{"password": "another"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return ns, e.redis(t, ns, "outrider.dev/inject: redis, redis.outrider.dev/secret: cache", "args: [--requirepass, secret]")
}

func wrongPort(t *testing.T, e *env, ns string) (string, string) {
	return ns, e.redis(t, ns, `outrider.dev/inject: redis, redis.outrider.dev/port: "6380"`, "")
}

func targetDown(t *testing.T, e *env, ns string) (string, string) {
	return ns, e.redis(t, ns, `outrider.dev/scrape: "8080"`, "")
}

// redis runs a Redis with annotations and more of its container, and returns the
// name of the pod.
func (e *env) redis(t *testing.T, ns, annotations, more string) string {
	t.Helper()
	if more != "" {
		more = ", " + more
	}
	e.apply(t, fmt.Appendf(nil, `
apiVersion: v1
kind: Pod
metadata: {name: cache, namespace: %s, annotations: {%s}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: redis, image: "docker.io/library/redis:7.0.15"%s}]
`, ns, annotations, more))
	return "cache"
}

// testForeignCABundle takes the controller's permission to write its caBundle
// away and puts one of another authority there: outrider check tells, and once
// the permission is back, so is the caBundle.
func testForeignCABundle(t *testing.T, e *env) {
	ctx := t.Context()
	roles, configs := e.client.RbacV1().ClusterRoles(), e.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	role, err := roles.Get(ctx, "outrider-controller", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := json.Marshal(map[string]any{"rules": role.Rules})
	if err != nil {
		t.Fatal(err)
	}
	restore := func() {
		if _, err := roles.Patch(context.Background(), role.Name, types.MergePatchType, rules, metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(restore)
	weak := role.DeepCopy()
	for i := range weak.Rules {
		if r := &weak.Rules[i]; len(r.Resources) == 1 && r.Resources[0] == "mutatingwebhookconfigurations" {
			r.Verbs = []string{"get", "list", "watch"}
		}
	}
	if _, err := roles.Update(ctx, weak, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	foreign, _, err := cert.GenerateSelfSignedCertKey("another", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	put := func(i int, ca []byte) {
		patch, err := json.Marshal([]map[string]any{{"op": "add", "path": fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), "value": ca}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := configs.Patch(ctx, "00-outrider", types.JSONPatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	sh := e.shell(t)
	sh.install(t)
	eventually(t, func() string { // what is allowed is cached
		review, err := e.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:outrider:outrider-controller",
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations", Name: "00-outrider", Verb: "patch",
			},
		}}, metav1.CreateOptions{})
		if err != nil || review.Status.Allowed {
			return fmt.Sprintf("the controller may still repair it (%v)", err)
		}
		return ""
	})
	put(0, foreign)
	put(1, foreign)
	sh.check(t, badCertificate, "default", "")
	restore()
	put(1, append(foreign, '\n')) // a change, which the controller sees
	secret, err := e.client.CoreV1().Secrets("outrider").Get(ctx, "outrider-webhook-tls", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		c, err := configs.Get(ctx, "00-outrider", metav1.GetOptions{})
		if err != nil || !bytes.Contains(c.Webhooks[0].ClientConfig.CABundle, bytes.TrimSpace(secret.Data["ca.crt"])) {
			return fmt.Sprintf("the caBundle is not repaired: %v", err)
		}
		return ""
	})
}

// TestEverySymptomIsTested holds, without a cluster, that the runbook's rows and
// the tests are about the same symptoms.
func TestEverySymptomIsTested(t *testing.T) {
	tested := map[string]bool{webhookDown: true, badCertificate: true, suspended: true}
	for name := range scenarios {
		tested[name] = true
	}
	for _, row := range symptoms(t) {
		if !tested[row.Name] {
			t.Errorf("no test has the symptom %q of the runbook", row.Name)
		}
		delete(tested, row.Name)
	}
	for name := range tested {
		t.Errorf("the runbook has no row %q, which a test has", name)
	}
}
