package e2e_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/outrider-dev/outrider/sidecars"
)

// namespace makes a namespace for one test and returns its name.
func (e *env) namespace(t *testing.T) string {
	t.Helper()
	name := "e2e-" + strings.ToLower(strings.ReplaceAll(t.Name()[strings.LastIndexByte(t.Name(), '/')+1:], "_", "-"))
	e.apply(t, fmt.Appendf(nil, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n", name))
	return name
}

// create creates a pod that sleeps, and returns it as it was stored.
func (e *env) create(t *testing.T, namespace, name string, annotations map[string]string) *corev1.Pod {
	t.Helper()
	seconds := int64(0)
	pod, err := e.client.CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
		Spec: corev1.PodSpec{
			NodeSelector:                  map[string]string{"outrider.dev/none": "such"}, // stored, never started
			TerminationGracePeriodSeconds: &seconds,
			Containers:                    []corev1.Container{{Name: "redis", Image: "docker.io/library/redis:7.0.15"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func testUnasked(t *testing.T, e *env) {
	ns := e.namespace(t)
	before := e.calls(t)
	for i := range 50 {
		e.create(t, ns, fmt.Sprintf("plain-%d", i), nil)
	}
	if after := e.calls(t); after != before {
		t.Errorf("the webhook was called %d times for 50 pods that did not ask", after-before)
	}
	// The API server decides without a call what it can: one exporter, and not two.
	want := 1
	if e.policies(t) {
		want = 0
	}
	one := e.create(t, ns, "asks", map[string]string{sidecars.InjectKey: "redis"})
	decided := e.calls(t) - before
	if decided != want || len(one.Spec.Containers) != 2 {
		t.Errorf("the webhook was called %d times for one pod that asked, want %v, and it has %d containers, want 2", decided, want, len(one.Spec.Containers))
	}
	e.create(t, ns, "asks-for-two", map[string]string{sidecars.InjectKey: "redis,nginx"})
	called := e.calls(t) - before - decided
	if called != 1 {
		t.Errorf("the webhook was called %d times for one pod that asked for two exporters, want 1: nothing must change what it added", called)
	}
	say(t, "50 pods that did not ask made 0 calls, one that asked for an exporter made %d, one that asked for two made %d", decided, called)
}

// left asks for an exporter in a way that the API server's policies leave to the webhook.
var left = map[string]string{sidecars.InjectKey: "redis", sidecars.MeshKey: sidecars.MeshKeep}

// policies says whether the API server injects without a call, as from Kubernetes 1.36 on.
func (e *env) policies(t *testing.T) bool {
	t.Helper()
	list, err := e.client.AdmissionregistrationV1().MutatingAdmissionPolicies().List(t.Context(), metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(list.Items) > 0
}

// testEventOnTheOwner holds that a Deployment's user learns of a misspelled
// exporter, although the admission warning goes to a controller.
func testEventOnTheOwner(t *testing.T, e *env) {
	ns := e.namespace(t)
	e.apply(t, fmt.Appendf(nil, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache, namespace: %s}
spec:
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}, annotations: {outrider.dev/inject: rediss}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: redis, image: "docker.io/library/redis:7.0.15"}]}
`, ns))
	eventually(t, func() string {
		list, err := e.client.CoreV1().Events(ns).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=UnknownExporter"})
		if err != nil {
			return err.Error()
		}
		for _, event := range list.Items {
			if event.InvolvedObject.Kind == "ReplicaSet" && strings.Contains(event.Message, "did you mean redis?") {
				return ""
			}
		}
		return fmt.Sprintf("no event on the ReplicaSet among %d", len(list.Items))
	})
}

// testCannotReadSecrets asks the API server what the controller's account may do.
func testCannotReadSecrets(t *testing.T, e *env) {
	may := func(verb, group, resource, namespace, name string) bool {
		t.Helper()
		review, err := e.client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User:   "system:serviceaccount:outrider:outrider-controller",
				Groups: []string{"system:serviceaccounts", "system:serviceaccounts:outrider", "system:authenticated"},
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Verb: verb, Group: group, Resource: resource, Namespace: namespace, Name: name,
				},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return review.Status.Allowed
	}
	if !may("get", "", "secrets", "outrider", "outrider-webhook-tls") {
		t.Error("the controller may not read its own Secret: the account's name is wrong, and so is this test")
	}
	for _, namespace := range []string{"outrider", "default", "kube-system", ""} {
		for _, verb := range []string{"get", "list", "watch", "update", "patch", "delete"} {
			if may(verb, "", "secrets", namespace, "") || may(verb, "", "secrets", namespace, "app-password") {
				t.Errorf("the controller may %s secrets in namespace %q", verb, namespace)
			}
		}
	}
	for _, verb := range []string{"create", "update", "patch", "delete"} {
		if may(verb, "", "pods", "default", "x") || may(verb, "apps", "deployments", "default", "x") {
			t.Errorf("the controller may %s pods or deployments", verb)
		}
	}
}

// testUpgradeKeepsTheCertificate upgrades the release and wipes the caBundle:
// the first must change nothing, the second must be repaired.
func testUpgradeKeepsTheCertificate(t *testing.T, e *env) {
	secret := func() map[string][]byte {
		s, err := e.client.CoreV1().Secrets("outrider").Get(t.Context(), "outrider-webhook-tls", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s.Data
	}
	bundle := func() []byte {
		c, err := e.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "00-outrider", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Webhooks[0].ClientConfig.CABundle
	}
	cert, trusted := secret()["tls.crt"], bundle()
	if len(cert) == 0 || len(trusted) == 0 {
		t.Fatal("there is no certificate or no caBundle")
	}
	if _, err := e.release.Apply(t.Context(), e.values(interval)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(cert, secret()["tls.crt"]) || !bytes.Equal(trusted, bundle()) {
		t.Error("an upgrade changed the certificate or the caBundle")
	}
	wipe := []byte(`[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]`)
	_, err := e.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Patch(t.Context(), "00-outrider", types.JSONPatchType, wipe, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		// What others had put there, such as a leader that ended before it stored its authority, does not come back.
		if ca := bytes.TrimSpace(secret()["ca.crt"]); len(ca) == 0 || !bytes.Contains(bundle(), ca) {
			return "a wiped caBundle is not repaired"
		}
		return ""
	})
	trusted = bundle()
	if err := e.client.CoreV1().Secrets("outrider").Delete(t.Context(), "outrider-webhook-tls", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() string {
		_, err := e.client.CoreV1().Secrets("outrider").Get(t.Context(), "outrider-webhook-tls", metav1.GetOptions{})
		if err != nil {
			return fmt.Sprintf("a deleted Secret is not created again: %v", err)
		}
		if bytes.Equal(trusted, bundle()) {
			return "the caBundle does not follow the new Secret"
		}
		return ""
	})
	ns, i := e.namespace(t), 0
	eventually(t, func() string {
		i++
		if pod := e.create(t, ns, fmt.Sprintf("asks-%d", i), left); len(pod.Spec.Containers) != 2 {
			return "no sidecar with the new certificate"
		}
		return ""
	})
	say(t, "with a new authority, %d annotated pods were let through without a sidecar", i-1)
}

// testRolloutUnderLoad restarts the webhook while annotated pods are created
// without a pause: old replicas answer until nobody calls them any more, new
// ones only take calls once they are trusted.
func testRolloutUnderLoad(t *testing.T, e *env) {
	ns := e.namespace(t)
	deployments := e.client.AppsV1().Deployments("outrider")
	patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"example.org/restarted":%q}}}}}`, time.Now().String())
	if _, err := deployments.Patch(t.Context(), "outrider-webhook", types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	created, missed := 0, 0
	eventually(t, func() string {
		for range 10 {
			created++
			if pod := e.create(t, ns, fmt.Sprintf("asks-%d", created), left); len(pod.Spec.Containers) != 2 {
				missed++
			}
		}
		d, err := deployments.Get(t.Context(), "outrider-webhook", metav1.GetOptions{})
		if err != nil {
			return err.Error()
		}
		if s := d.Status; s.ObservedGeneration != d.Generation || s.UpdatedReplicas != 2 || s.ReadyReplicas != 2 || s.Replicas != 2 || s.TerminatingReplicas != nil && *s.TerminatingReplicas > 0 {
			return "the rollout does not end"
		}
		return ""
	})
	say(t, "%d annotated pods during a rollout of the webhook, %d without a sidecar", created, missed)
	if missed > 0 {
		t.Errorf("%d of %d annotated pods got no sidecar during a rollout", missed, created)
	}
}

// testControllerGone takes every replica away: annotated pods are still created, within the webhook's timeout. Those that
// the API server decides without a call have their sidecar; the others have it once a replica is back.
func testControllerGone(t *testing.T, e *env) {
	ns := e.namespace(t)
	e.scale(t, 0)
	before := time.Now()
	pod := e.create(t, ns, "without", left)
	took := time.Since(before)
	if len(pod.Spec.Containers) != 1 {
		t.Errorf("%d containers without a controller, want the pod's own", len(pod.Spec.Containers))
	}
	if one := e.create(t, ns, "decided", map[string]string{sidecars.InjectKey: "redis"}); e.policies(t) != (len(one.Spec.Containers) == 2) {
		t.Errorf("%d containers without a controller, want an exporter where the API server injects", len(one.Spec.Containers))
	}
	config, err := e.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "00-outrider", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sh := e.shell(t)
	sh.install(t)
	sh.check(t, webhookDown, "default", "")
	timeout := time.Duration(*config.Webhooks[0].TimeoutSeconds) * time.Second
	say(t, "with no replica an annotated pod was created in %s (webhook timeout %s)", took.Round(time.Millisecond), timeout)
	if took > timeout+time.Second {
		t.Errorf("creating a pod took %s without a controller, more than the webhook's timeout", took)
	}
	e.scale(t, 2)
	i := 0
	eventually(t, func() string {
		i++
		if pod := e.create(t, ns, fmt.Sprintf("with-%d", i), left); len(pod.Spec.Containers) != 2 {
			return "the controller is back and pods still get no sidecar"
		}
		return ""
	})
}

// testUninstall takes the release away: nothing of it stays that stands in
// anyone's way, and annotated pods are created as if it had never been.
func testUninstall(t *testing.T, e *env) {
	outrider := e.cli(t)
	if out, _, code := outrider("uninstall"); code != 0 || !strings.Contains(out, "uninstalled") {
		t.Fatalf("outrider uninstall: exit code %d: %s", code, out)
	}
	if _, _, code := outrider("uninstall"); code != 2 {
		t.Errorf("uninstalled a second time: exit code %d", code)
	}
	ctx := t.Context()
	selector := metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=outrider"}
	left := map[string]func() (int, error){
		"MutatingWebhookConfigurations": func() (int, error) {
			l, err := e.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, selector)
			return len(l.Items), err
		},
		"ClusterRoles": func() (int, error) {
			l, err := e.client.RbacV1().ClusterRoles().List(ctx, selector)
			return len(l.Items), err
		},
		"ClusterRoleBindings": func() (int, error) {
			l, err := e.client.RbacV1().ClusterRoleBindings().List(ctx, selector)
			return len(l.Items), err
		},
		"Secrets": func() (int, error) {
			l, err := e.client.CoreV1().Secrets("outrider").List(ctx, metav1.ListOptions{})
			return len(l.Items), err
		},
		"Leases": func() (int, error) {
			l, err := e.client.CoordinationV1().Leases("outrider").List(ctx, metav1.ListOptions{})
			return len(l.Items), err
		},
		"Pods": func() (int, error) {
			l, err := e.client.CoreV1().Pods("outrider").List(ctx, metav1.ListOptions{})
			return len(l.Items), err
		},
		"Services": func() (int, error) {
			l, err := e.client.CoreV1().Services("outrider").List(ctx, metav1.ListOptions{})
			return len(l.Items), err
		},
	}
	for kind, count := range left {
		eventually(t, func() string {
			if n, err := count(); err != nil || n != 0 {
				return fmt.Sprintf("%d %s are left (%v)", n, kind, err)
			}
			return ""
		})
	}
	before := time.Now()
	if pod := e.create(t, e.namespace(t), "after", map[string]string{sidecars.InjectKey: "redis"}); len(pod.Spec.Containers) != 1 {
		t.Error("a pod was injected by a release that is gone")
	}
	say(t, "after uninstalling, an annotated pod was created in %s", time.Since(before).Round(time.Millisecond))
	err := e.client.CoreV1().Namespaces().Delete(ctx, "outrider", metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	eventually(t, func() string {
		if _, err := e.client.CoreV1().Namespaces().Get(ctx, "outrider", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return "the namespace does not go away"
		}
		return ""
	})
}
