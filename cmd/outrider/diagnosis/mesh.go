package diagnosis

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
)

// mostMeshed pods of each namespace of a mesh are looked at.
const mostMeshed = 200

// meshes looks for scraped ports that a mesh takes and keeps Prometheus from.
func meshes(ctx context.Context, p *Patient, found func(Finding)) bool {
	const name = "meshes"
	list, err := p.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		found(warn(name, "", "namespaces cannot be listed: %v", err))
		return true
	}
	var policies *policies
	closed, joined := 0, 0
	for i := range list.Items {
		ns := &list.Items[i]
		if !(sidecars.Namespace{Labels: ns.Labels, Annotations: ns.Annotations}).InMesh() {
			continue
		}
		joined++
		if policies == nil {
			if policies, err = readPolicies(ctx, p); err != nil {
				found(warn(name, "", "the policies of the mesh cannot be read: %v", err))
				return true
			}
		}
		pods, err := p.Client.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{LabelSelector: sidecars.MonitoredKey + "=" + sidecars.MonitoredTrue, Limit: mostMeshed})
		if err != nil {
			found(warn(name, "", "pods of %s cannot be listed: %v", ns.Name, err))
			continue
		}
		for _, f := range policies.closed(ns, pods.Items) {
			closed++
			found(f)
		}
	}
	if joined > 0 && closed == 0 {
		found(pass(name, "%d namespaces join one, and no policy keeps Prometheus from a port", joined))
	}
	return true
}

// policy is what Istio's PeerAuthentication and Linkerd's Server say of ports.
type policy struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     struct {
		Selector *struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		MTLS        mode                  `json:"mtls"`
		PortLevel   map[string]mode       `json:"portLevelMtls"`
		PodSelector *metav1.LabelSelector `json:"podSelector"`
		Port        any                   `json:"port"`
		Action      string                `json:"action"`
		Rules       []any                 `json:"rules"`
	} `json:"spec"`
}

type mode struct {
	Mode string `json:"mode"`
}

// policies are those of the whole cluster.
type policies struct {
	peer, authorization []policy // of Istio
	servers             []policy // of Linkerd
	inbound             string   // Linkerd's default for all namespaces
}

func readPolicies(ctx context.Context, p *Patient) (*policies, error) {
	all := &policies{}
	for path, to := range map[string]*[]policy{
		"/apis/security.istio.io/v1/peerauthentications":   &all.peer,
		"/apis/security.istio.io/v1/authorizationpolicies": &all.authorization,
		"/apis/policy.linkerd.io/v1beta3/servers":          &all.servers,
	} {
		raw, err := p.Client.Discovery().RESTClient().Get().AbsPath(path).DoRaw(ctx)
		if apierrors.IsNotFound(err) {
			continue
		}
		var list struct {
			Items []policy `json:"items"`
		}
		if err == nil {
			err = json.Unmarshal(raw, &list)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		*to = list.Items
	}
	config, err := p.Client.CoreV1().ConfigMaps("linkerd").Get(ctx, "linkerd-config", metav1.GetOptions{})
	if err != nil {
		return all, nil // no Linkerd, or its default is not for the caller to see
	}
	var values struct {
		Proxy struct {
			Inbound string `json:"defaultInboundPolicy"`
		} `json:"proxy"`
	}
	if err := yaml.Unmarshal([]byte(config.Data["values"]), &values); err == nil {
		all.inbound = values.Proxy.Inbound
	}
	return all, nil
}

// closed are the findings about one namespace, one for each mesh and port.
func (a *policies) closed(ns *corev1.Namespace, pods []corev1.Pod) []Finding {
	first := map[string]Finding{}
	for i := range pods {
		pod := &pods[i]
		targets, err := discovery.Targets(pod)
		if err != nil {
			continue
		}
		for _, t := range targets {
			u, err := url.Parse(t.URL)
			if err != nil {
				continue
			}
			port := u.Port()
			var f *Finding
			switch sidecars.Captured(pod, sidecars.Namespace{Labels: ns.Labels, Annotations: ns.Annotations}, port) {
			case sidecars.CapturedByIstio:
				f = a.istio(ns, pod, port)
			case sidecars.CapturedByLinkerd:
				f = a.linkerd(ns, pod, port)
			}
			if _, said := first[port]; f != nil && !said {
				first[port] = *f
			}
		}
	}
	var all []Finding
	for _, port := range slices.Sorted(maps.Keys(first)) {
		all = append(all, first[port])
	}
	return all
}

// selects reports whether a policy of Istio is about a pod: one without a selector
// is about its namespace, or, in the root namespace, about all.
func (p *policy) selects(pod *corev1.Pod) bool {
	of := p.Metadata.Namespace
	if p.Spec.Selector != nil && len(p.Spec.Selector.MatchLabels) > 0 {
		return of == pod.Namespace && labels.SelectorFromSet(p.Spec.Selector.MatchLabels).Matches(labels.Set(pod.Labels))
	}
	return of == pod.Namespace || of == istioRoot
}

// istioRoot is where Istio looks for policies for all namespaces.
const istioRoot = "istio-system"

// mtls is the mode for a port of a pod: the most particular policy that has one.
func (a *policies) mtls(pod *corev1.Pod, port string) string {
	var ofPort, ofPod, ofNamespace, ofAll string
	for i := range a.peer {
		p := &a.peer[i]
		if !p.selects(pod) {
			continue
		}
		switch {
		case p.Spec.Selector != nil && len(p.Spec.Selector.MatchLabels) > 0:
			ofPort, ofPod = cmp.Or(ofPort, p.Spec.PortLevel[port].Mode), cmp.Or(ofPod, p.Spec.MTLS.Mode)
		case p.Metadata.Namespace == pod.Namespace:
			ofNamespace = cmp.Or(ofNamespace, p.Spec.MTLS.Mode)
		default:
			ofAll = cmp.Or(ofAll, p.Spec.MTLS.Mode)
		}
	}
	return cmp.Or(ofPort, ofPod, ofNamespace, ofAll)
}

// istio is about STRICT mTLS and about policies of authorization.
func (a *policies) istio(ns *corev1.Namespace, pod *corev1.Pod, port string) *Finding {
	if a.mtls(pod, port) == "STRICT" {
		f := warn("meshes", fmt.Sprintf("Add a PeerAuthentication to namespace %s with selector.matchLabels {%s: \"true\"} and portLevelMtls {%s: {mode: PERMISSIVE}}, or let Prometheus join the mesh.",
			ns.Name, sidecars.MonitoredKey, port), "Istio takes only mTLS on port %s of pods such as %s/%s (PeerAuthentication STRICT), and Prometheus has none", port, ns.Name, pod.Name)
		return &f
	}
	for i := range a.authorization {
		p := &a.authorization[i]
		if !p.selects(pod) || p.Spec.Action != "" && p.Spec.Action != "ALLOW" || a.allows(pod, port) {
			continue
		}
		f := warn("meshes", fmt.Sprintf("Add an AuthorizationPolicy to namespace %s with selector.matchLabels {%s: \"true\"}, action ALLOW and rules [{to: [{operation: {ports: [%q]}}]}].",
			ns.Name, sidecars.MonitoredKey, port), "Istio lets no client in on port %s of pods such as %s/%s: AuthorizationPolicy %s/%s allows others only", port, ns.Name, pod.Name, p.Metadata.Namespace, p.Metadata.Name)
		return &f
	}
	return nil
}

// allows reports whether a policy lets any client in on a port: one of its rules
// names it, or names no ports and no clients.
func (a *policies) allows(pod *corev1.Pod, port string) bool {
	for i := range a.authorization {
		p := &a.authorization[i]
		if !p.selects(pod) || p.Spec.Action != "" && p.Spec.Action != "ALLOW" {
			continue
		}
		for _, r := range p.Spec.Rules {
			raw, err := json.Marshal(r)
			if err != nil {
				continue
			}
			if text := string(raw); text == "{}" || strings.Contains(text, `"ports"`) && strings.Contains(text, fmt.Sprintf("%q", port)) {
				return true
			}
		}
	}
	return false
}

// linkerd is about its default for what comes in.
func (a *policies) linkerd(ns *corev1.Namespace, pod *corev1.Pod, port string) *Finding {
	const key = "config.linkerd.io/default-inbound-policy"
	inbound := cmp.Or(pod.Annotations[key], ns.Annotations[key], a.inbound)
	switch inbound {
	case "deny", "all-authenticated", "cluster-authenticated":
	default:
		return nil
	}
	for i := range a.servers {
		s := &a.servers[i]
		selector, err := metav1.LabelSelectorAsSelector(s.Spec.PodSelector)
		if err == nil && s.Metadata.Namespace == ns.Name && fmt.Sprint(s.Spec.Port) == port && selector.Matches(labels.Set(pod.Labels)) {
			return nil // the port has a policy of its own
		}
	}
	f := warn("meshes", fmt.Sprintf("Add a Server to namespace %s with podSelector.matchLabels {%s: \"true\"} and port %s, and an AuthorizationPolicy for it that requires a NetworkAuthentication with the networks of Prometheus' pods; or let Prometheus join the mesh.",
		ns.Name, sidecars.MonitoredKey, port), "Linkerd lets no client without mTLS in on port %s of pods such as %s/%s (default-inbound-policy %s), and Prometheus has none", port, ns.Name, pod.Name, inbound)
	return &f
}
