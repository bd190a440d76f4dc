package charts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func alertmanager(values map[string]any) map[string]any {
	return map[string]any{"alertmanager": values}
}

// Copies find each other by the names that the StatefulSet and its headless Service give them; one alone opens no port.
func TestAlertmanagerCluster(t *testing.T) {
	peers := func(replicas int) (found []string) {
		rendered := objects(t, render(t, alertmanager(map[string]any{"replicas": replicas}), latest))
		set := statefulSet(t, rendered, "alertmanager")
		for _, arg := range set.Spec.Template.Spec.Containers[0].Args {
			if peer, ok := strings.CutPrefix(arg, "--cluster.peer="); ok {
				found = append(found, peer)
			}
		}
		if off := slices.Contains(set.Spec.Template.Spec.Containers[0].Args, "--cluster.listen-address="); off != (replicas == 1) {
			t.Errorf("%d copies: gossip is off: %v", replicas, off)
		}
		headless := named[*corev1.Service](t, rendered, set.Spec.ServiceName)
		if headless.Spec.ClusterIP != corev1.ClusterIPNone || !headless.Spec.PublishNotReadyAddresses {
			t.Errorf("Service %s: %v", headless.Name, headless.Spec)
		}
		return found
	}
	if got := peers(1); len(got) != 0 {
		t.Errorf("one copy has the peers %v", got)
	}
	want := []string{
		"outrider-alertmanager-0.outrider-alertmanager-headless." + namespace + ".svc:9094",
		"outrider-alertmanager-1.outrider-alertmanager-headless." + namespace + ".svc:9094",
	}
	if diff := cmp.Diff(want, peers(2)); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
}

// As it is, the configuration has a receiver that tells nobody, and no route leads elsewhere.
func TestAlertmanagerConfiguration(t *testing.T) {
	read := func(values map[string]any) (c struct {
		Route struct {
			Receiver string   `yaml:"receiver"`
			GroupBy  []string `yaml:"group_by"`
			Routes   []struct {
				Matchers []string `yaml:"matchers"`
				Mute     []string `yaml:"mute_time_intervals"`
			} `yaml:"routes"`
		} `yaml:"route"`
		Receivers []struct {
			Name string `yaml:"name"`
		} `yaml:"receivers"`
		InhibitRules []struct {
			Equal []string `yaml:"equal"`
		} `yaml:"inhibit_rules"`
	}) {
		secret := named[*corev1.Secret](t, objects(t, render(t, values, latest)), "outrider-alertmanager")
		if err := yaml.Unmarshal(secret.Data["alertmanager.yaml"], &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := read(nil)
	if c.Route.Receiver != "null" || len(c.Receivers) != 1 || c.Receivers[0].Name != "null" || len(c.InhibitRules) != 2 {
		t.Errorf("%+v", c)
	}
	if notes := render(t, nil, latest).Info.Notes; !strings.Contains(notes, "alertmanager.config.receivers") {
		t.Errorf("the notes do not say that no notifications are sent:\n%s", notes)
	}
	mine := alertmanager(map[string]any{"config": map[string]any{
		"route": map[string]any{"receiver": "mail"}, "receivers": []any{map[string]any{"name": "mail"}},
	}})
	if c = read(mine); c.Route.Receiver != "mail" || c.Receivers[0].Name != "mail" || len(c.Route.GroupBy) != 2 {
		t.Errorf("%+v", c)
	}
	// Naming a receiver sends warnings and worse: what is info, and the Watchdog, stays muted.
	if len(c.Route.Routes) != 1 || !slices.Equal(c.Route.Routes[0].Matchers, []string{`severity=~"none|info"`}) || !slices.Equal(c.Route.Routes[0].Mute, []string{"always"}) {
		t.Errorf("with a receiver of the user's own, info is routed by %+v", c.Route.Routes)
	}
	if notes := render(t, mine, latest).Info.Notes; strings.Contains(notes, "alertmanager.config.receivers") {
		t.Errorf("notifications are sent, and the notes deny it:\n%s", notes)
	}
	rendered := objects(t, render(t, alertmanager(map[string]any{"configSecret": "mine"}), latest))
	if secrets := all[*corev1.Secret](rendered); len(secrets) != 1 {
		t.Errorf("%d Secrets beside the user's own", len(secrets)-1)
	}
	if got := statefulSet(t, rendered, "alertmanager").Spec.Template.Spec.Volumes[0].Secret.SecretName; got != "mine" {
		t.Errorf("the configuration is %s", got)
	}
}

// What has several copies may lose one at a time.
func TestDisruptions(t *testing.T) {
	values := map[string]any{}
	for _, component := range []string{"prometheus", "alertmanager", "metricsServer", "blackboxExporter"} {
		values[component] = map[string]any{"replicas": 2, "enabled": true}
	}
	delete(values["prometheus"].(map[string]any), "enabled")
	check := func(t *testing.T, objects []runtime.Object) {
		copies := func(selector *metav1.LabelSelector) (n int32) {
			for _, d := range all[*appsv1.Deployment](objects) {
				if selects(t, selector, d.Spec.Template.Labels) {
					n += *d.Spec.Replicas
				}
			}
			for _, s := range all[*appsv1.StatefulSet](objects) {
				if selects(t, selector, s.Spec.Template.Labels) {
					n += *s.Spec.Replicas
				}
			}
			return n
		}
		covered := map[string]bool{}
		for _, b := range all[*policyv1.PodDisruptionBudget](objects) {
			if b.Spec.MaxUnavailable.IntValue() != 1 || *b.Spec.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow {
				t.Errorf("%s: %v", b.Name, b.Spec)
			}
			if n := copies(b.Spec.Selector); n < 2 && b.Name != "outrider-webhook" {
				t.Errorf("%s is about %d copies", b.Name, n)
			}
			covered[b.Spec.Selector.MatchLabels["app.kubernetes.io/component"]] = true
		}
		for _, w := range workloads(objects) {
			if copies(w.selector) > 1 && !covered[w.component] {
				t.Errorf("%s has several copies, and a drain may take them all", w.component)
			}
		}
	}
	t.Run("two of each", func(t *testing.T) { check(t, objects(t, render(t, values, latest))) })
	eachPreset(t, check)
}
