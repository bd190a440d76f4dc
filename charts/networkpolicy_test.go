package charts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// reach is who reaches which port of a component under the NetworkPolicies: a component of the release, "world" for
// any client that can send a packet, a namespace of networkPolicy.fromNamespaces or a range of networkPolicy.fromCIDRs.
func reach(t *testing.T, objects []runtime.Object) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	pods := workloads(objects)
	for _, policy := range all[*networkingv1.NetworkPolicy](objects) {
		if !slices.Equal(policy.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}) {
			t.Errorf("%s limits %v, want what comes in and nothing else", policy.Name, policy.Spec.PolicyTypes)
		}
		own := slices.DeleteFunc(slices.Clone(pods), func(w workload) bool { return !selects(t, &policy.Spec.PodSelector, w.pod.Labels) })
		if len(own) != 1 || own[0].pod.Spec.HostNetwork {
			t.Fatalf("%s is for %d workloads, want one that has a network of its own", policy.Name, len(own))
		}
		ports := portsOf(own[0].pod)
		for _, rule := range policy.Spec.Ingress {
			for _, port := range rule.Ports {
				// The controller's pods of chart 0.2.0 have the port, and answer during an upgrade.
				if _, ok := ports[port.Port.StrVal]; !ok && (own[0].component != "controller" || port.Port.StrVal != "webhook") {
					t.Errorf("%s: %s has no port %s", policy.Name, own[0].component, port.Port)
				}
				at := own[0].component + ":" + port.Port.StrVal
				if len(rule.From) == 0 {
					found[at] = append(found[at], "world")
				}
				for _, peer := range rule.From {
					if peer.IPBlock != nil {
						found[at] = append(found[at], peer.IPBlock.CIDR)
						continue
					}
					if peer.NamespaceSelector != nil {
						found[at] = append(found[at], peer.NamespaceSelector.MatchExpressions[0].Values...)
						continue
					}
					for _, w := range pods {
						if selects(t, peer.PodSelector, w.pod.Labels) {
							found[at] = append(found[at], w.component)
						}
					}
				}
			}
		}
	}
	for at := range found {
		slices.Sort(found[at])
	}
	return found
}

func selects(t *testing.T, selector *metav1.LabelSelector, of map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(labels.Set(of))
}

func TestWhoReachesWhom(t *testing.T) {
	web := []string{"10.129.0.0/23", "alertmanager", "blackbox-exporter", "controller", "gateways", "kube-state-metrics", "metrics-server", "node-exporter", "prometheus", "webhook"}
	values := map[string]any{
		"metricsServer": map[string]any{"enabled": true}, "blackboxExporter": map[string]any{"enabled": true},
		"networkPolicy": map[string]any{"fromNamespaces": []any{"gateways"}, "fromCIDRs": []any{"10.129.0.0/23"}},
	}
	want := map[string][]string{
		"webhook:webhook":              {"world"}, // no selector knows the API server
		"webhook:metrics":              {"prometheus"},
		"controller:webhook":           {"world"},
		"controller:metrics":           {"prometheus"},
		"prometheus:http":              web,
		"alertmanager:http":            web,
		"alertmanager:gossip-tcp":      {"alertmanager"},
		"alertmanager:gossip-udp":      {"alertmanager"},
		"kube-state-metrics:metrics":   {"prometheus"},
		"kube-state-metrics:telemetry": {"prometheus"},
		"metrics-server:https":         {"world"},
		"blackbox-exporter:http":       {"prometheus"},
	}
	if diff := cmp.Diff(want, reach(t, objects(t, render(t, values, latest)))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	values["prometheus"] = map[string]any{"service": map[string]any{"type": "LoadBalancer"}}
	if got := reach(t, objects(t, render(t, values, latest)))["prometheus:http"]; !slices.Equal(got, []string{"world"}) {
		t.Errorf("a load balancer's clients do not reach Prometheus: %q", got)
	}
	values["discovery"] = map[string]any{"mode": "operator"}
	if got := reach(t, objects(t, render(t, values, latest))); !slices.Equal(got["controller:metrics"], []string{"world"}) || !slices.Equal(got["kube-state-metrics:metrics"], []string{"world"}) {
		t.Errorf("another Prometheus reaches %v", got)
	}
	values["grafana"] = map[string]any{"enabled": true, "prometheusURL": "http://thanos:9090"}
	if got := reach(t, objects(t, render(t, values, latest)))["grafana:http"]; !slices.Contains(got, "world") {
		t.Errorf("another Prometheus does not reach Grafana: %q", got)
	}
	values["discovery"] = map[string]any{"mode": "none"}
	if got := reach(t, objects(t, render(t, values, latest)))["grafana:http"]; len(got) == 0 || slices.Contains(got, "world") {
		t.Errorf("nobody scrapes Grafana, and it is reached by %q", got)
	}
	values["networkPolicy"] = map[string]any{"enabled": false}
	if got := reach(t, objects(t, render(t, values, latest))); len(got) != 0 {
		t.Errorf("switched off, but there are %v", got)
	}
}

// Whatever has a port has a policy, but node-exporter, whose port is the node's.
func TestEveryPodHasAPolicy(t *testing.T) {
	eachPreset(t, func(t *testing.T, objects []runtime.Object) {
		for _, w := range workloads(objects) {
			policies := slices.DeleteFunc(all[*networkingv1.NetworkPolicy](objects), func(p *networkingv1.NetworkPolicy) bool {
				return !selects(t, &p.Spec.PodSelector, w.pod.Labels)
			})
			if has := len(policies) == 1; has == w.pod.Spec.HostNetwork {
				t.Errorf("%s has %d policies", w.component, len(policies))
			}
		}
	})
}

// Values that open a way in and admit nobody are refused with a message.
func TestNotesTellWhoIsNotReached(t *testing.T) {
	const ways = `alertmanager: {ingress: {host: a.example.com}}, grafana: {enabled: true, route: {gateways: [{name: a}]}}`
	for values, told := range map[string]bool{
		`{` + ways + `}`: true,
		`{` + ways + `, networkPolicy: {enabled: false}}`:                                 false,
		`{` + ways + `, networkPolicy: {fromNamespaces: [gateways]}}`:                     false,
		`{` + ways + `, networkPolicy: {fromCIDRs: [10.129.0.0/23]}}`:                     false,
		`{alertmanager: {ingress: {host: a.example.com}, service: {type: LoadBalancer}}}`: false,
		`{grafana: {ingress: {host: a.example.com}}, prometheus: {}}`:                     false,
		`{discovery: {mode: none}, prometheus: {ingress: {host: a.example.com}}}`:         false,
	} {
		notes := render(t, parse(t, values), latest).Info.Notes
		if strings.Contains(notes, "networkPolicy.fromCIDRs") != told || told && !strings.Contains(notes, "HTTPRoute alertmanager, grafana answers nobody yet") {
			t.Errorf("%s:\n%s", values, notes)
		}
	}
}
