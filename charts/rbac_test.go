package charts_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// rules are all rules of a render, by kind and name of the role that holds them.
func rules(objects []runtime.Object) map[string][]rbacv1.PolicyRule {
	found := map[string][]rbacv1.PolicyRule{}
	for _, r := range all[*rbacv1.ClusterRole](objects) {
		found["ClusterRole/"+r.Name] = r.Rules
	}
	for _, r := range all[*rbacv1.Role](objects) {
		found["Role/"+r.Name] = r.Rules
	}
	return found
}

func TestNoWildcards(t *testing.T) {
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		for name, rules := range rules(objects) {
			for _, r := range rules {
				if slices.Contains(slices.Concat(r.APIGroups, r.Resources, r.Verbs, r.ResourceNames, r.NonResourceURLs), "*") {
					t.Errorf("%s: %v", name, r)
				}
			}
		}
	})
}

// Nothing but the controller and the webhook has to do with Secrets, and they with one, in their own namespace; the controller
// writes that one, and the caBundle, only in the modes where nobody else does.
func TestSecrets(t *testing.T) {
	read := []string{"get", "list", "watch"}
	type may struct{ Secret, Create, Configuration, Webhook []string }
	for mode, want := range map[string]may{
		"self-signed":  {Secret: append(slices.Clone(read), "update"), Create: []string{"create"}, Configuration: append(slices.Clone(read), "patch"), Webhook: read},
		"cert-manager": {Secret: read, Configuration: read, Webhook: read},
		"secret":       {Secret: read, Configuration: append(slices.Clone(read), "patch"), Webhook: read},
	} {
		t.Run(mode, func(t *testing.T) {
			objects := objects(t, render(t, map[string]any{"certs": map[string]any{"mode": mode, "secretName": "corporate-tls"}}, latest))
			secret, got := secretOf(t, objects), may{}
			for name, rules := range rules(objects) {
				for _, r := range rules {
					switch named := cmp.Equal([]string{secret}, r.ResourceNames); {
					case slices.Contains(r.Resources, "secrets") && name == "Role/outrider-webhook" && named:
						got.Webhook = r.Verbs
					case slices.Contains(r.Resources, "secrets") && name != "Role/outrider-controller":
						t.Errorf("%s: %v", name, r)
					case slices.Contains(r.Resources, "secrets") && named:
						got.Secret = r.Verbs
					case slices.Contains(r.Resources, "secrets"):
						got.Create = r.Verbs
					case slices.Contains(r.Resources, "mutatingwebhookconfigurations") && name == "ClusterRole/outrider-controller":
						got.Configuration = r.Verbs
					case slices.Contains(r.Resources, "mutatingwebhookconfigurations") && name == "ClusterRole/outrider-webhook" && !cmp.Equal(read, r.Verbs):
						t.Errorf("%s: %v", name, r)
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// secretOf is the name of the Secret that the controller is given.
func secretOf(t *testing.T, objects []runtime.Object) string {
	t.Helper()
	for _, w := range workloads(objects) {
		for _, arg := range w.pod.Spec.Containers[0].Args {
			if name, ok := strings.CutPrefix(arg, "--certificate-secret="); ok {
				return name
			}
		}
	}
	t.Fatal("no container is given a Secret")
	return ""
}

// No permission makes pods, runs something in them, or hands out permissions.
func TestNoEscalation(t *testing.T) {
	refused := []string{
		"pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers", "nodes/proxy", "serviceaccounts/token",
		"roles", "rolebindings", "clusterroles", "clusterrolebindings",
	}
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		for name, rules := range rules(objects) {
			for _, r := range rules {
				for _, verb := range []string{"delete", "deletecollection", "bind", "escalate", "impersonate"} {
					if slices.Contains(r.Verbs, verb) {
						t.Errorf("%s may %s: %v", name, verb, r)
					}
				}
				for _, resource := range r.Resources {
					if slices.Contains(refused, resource) {
						t.Errorf("%s reaches %s", name, resource)
					}
				}
				if slices.Contains(r.Resources, "pods") && slices.Contains(r.Verbs, "create") {
					t.Errorf("%s may create pods", name)
				}
			}
		}
	})
}

// The webhook, where there is one, may change nothing but events.
func TestWebhookOnlyReads(t *testing.T) {
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		found, want := 0, 2*len(all[*admissionv1.MutatingWebhookConfiguration](objects))
		for name, rules := range rules(objects) {
			if !strings.HasSuffix(name, "/outrider-webhook") {
				continue
			}
			found++
			for _, r := range rules {
				if !cmp.Equal([]string{"get", "list", "watch"}, r.Verbs) && !cmp.Equal([]string{"events"}, r.Resources) {
					t.Errorf("%s: %v", name, r)
				}
			}
		}
		if found != want {
			t.Errorf("%d roles of the webhook, want %d", found, want)
		}
	})
}

// The controller reads Exporters and writes their status, the webhook reads them, and neither does more.
func TestControllerMayNotChangeExporters(t *testing.T) {
	want := map[string][]string{"exporters": {"get", "list", "watch"}, "exporters/status": {"update", "patch"}}
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		got := map[string][]string{}
		for name, rules := range rules(objects) {
			for _, r := range rules {
				if slices.Contains(r.APIGroups, "outrider.dev") {
					if name == "ClusterRole/outrider-webhook" && cmp.Equal([]string{"exporters"}, r.Resources) && cmp.Equal([]string{"get", "list", "watch"}, r.Verbs) {
						continue
					}
					if name != "ClusterRole/outrider-controller" {
						t.Errorf("%s: %v", name, r)
					}
					for _, resource := range r.Resources {
						got[resource] = append(got[resource], r.Verbs...)
					}
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Prometheus lists what discovery looks at and reads metrics. Without the jobs for the cluster it lists pods.
func TestPrometheusDiscovers(t *testing.T) {
	pods := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list", "watch"}}
	metrics := rbacv1.PolicyRule{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}}
	want := map[string][]rbacv1.PolicyRule{
		"ClusterRole/outrider-prometheus": {
			pods,
			{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"nodes/metrics"}, Verbs: []string{"get"}},
			metrics,
		},
		"Role/outrider-prometheus": {
			{APIGroups: []string{""}, Resources: []string{"services"}, ResourceNames: []string{"kubernetes"}, Verbs: []string{"list", "watch"}},
			{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, ResourceNames: []string{"kubernetes"}, Verbs: []string{"list", "watch"}},
		},
	}
	of := func(values map[string]any) map[string][]rbacv1.PolicyRule {
		found := rules(objects(t, render(t, values, latest)))
		maps.DeleteFunc(found, func(name string, _ []rbacv1.PolicyRule) bool { return !strings.HasSuffix(name, "/outrider-prometheus") })
		return found
	}
	if diff := cmp.Diff(want, of(nil)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	none := map[string][]rbacv1.PolicyRule{"ClusterRole/outrider-prometheus": {pods, metrics}}
	if diff := cmp.Diff(none, of(scrape("jobs", []any{}))); diff != "" {
		t.Errorf("without the cluster's jobs (-want +got):\n%s", diff)
	}
}

func TestKubeStateMetricsListsWhatItCollects(t *testing.T) {
	values := map[string]any{"kubeStateMetrics": map[string]any{"collectors": []any{"pods", "jobs", "configmaps"}}}
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"list", "watch"}},
		{APIGroups: []string{""}, Resources: []string{"configmaps", "pods"}, Verbs: []string{"list", "watch"}},
	}
	got := rules(objects(t, render(t, values, latest)))["ClusterRole/outrider-kube-state-metrics"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every collector that the schema lets through has a permission, and the defaults have neither Secrets nor ConfigMaps.
func TestEveryCollectorHasItsPermission(t *testing.T) {
	count := func(values map[string]any) (resources []string) {
		for _, r := range rules(objects(t, render(t, values, latest)))["ClusterRole/outrider-kube-state-metrics"] {
			resources = append(resources, r.Resources...)
		}
		slices.Sort(resources)
		return resources
	}
	items := schemaAt(t, "kubeStateMetrics", "collectors")["items"].(map[string]any)
	var want []string
	for _, name := range items["enum"].([]any) {
		want = append(want, name.(string))
	}
	slices.Sort(want)
	got := count(map[string]any{"kubeStateMetrics": map[string]any{"collectors": items["enum"]}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, name := range []string{"secrets", "configmaps"} {
		if slices.Contains(count(nil), name) {
			t.Errorf("%s are listed by default", name)
		}
	}
}

// A pod has a token exactly where its ServiceAccount may do something with it.
func TestTokens(t *testing.T) {
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		bound := map[string]bool{}
		for _, b := range all[*rbacv1.ClusterRoleBinding](objects) {
			bound[b.Subjects[0].Name] = true
		}
		for _, b := range all[*rbacv1.RoleBinding](objects) {
			bound[b.Subjects[0].Name] = true
		}
		accounts := map[string]bool{}
		for _, a := range all[*corev1.ServiceAccount](objects) {
			accounts[a.Name] = true
			if a.AutomountServiceAccountToken == nil || *a.AutomountServiceAccountToken {
				t.Errorf("ServiceAccount %s gives its token to every pod", a.Name)
			}
		}
		for _, w := range workloads(objects) {
			name := w.pod.Spec.ServiceAccountName
			if !accounts[name] {
				t.Errorf("%s: ServiceAccount %q does not exist", w.component, name)
			}
			if mounted := w.pod.Spec.AutomountServiceAccountToken; mounted == nil || *mounted != bound[name] {
				t.Errorf("%s: token mounted %v, permissions %v", w.component, mounted, bound[name])
			}
		}
	})
}
