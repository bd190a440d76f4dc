package monitors

import (
	"fmt"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
)

// role is how a kind of monitor finds its targets.
type role struct {
	prefix   string // of job names
	sd       string // Kubernetes role of Prometheus' discovery
	labels   string // prefix of the meta labels that the selector is about
	port     string // meta label of the port by name
	selected string // role whose selector the API server is sent where RoleSelector is asked for
}

var (
	service = role{prefix: "serviceMonitor", sd: "endpointslice", labels: "__meta_kubernetes_service_label", port: "__meta_kubernetes_endpointslice_port_name", selected: "service"}
	pod     = role{prefix: "podMonitor", sd: "pod", labels: "__meta_kubernetes_pod_label", port: "__meta_kubernetes_pod_container_port_name", selected: "pod"}
)

type rules = []map[string]any

// endpoint makes the job of one endpoint, unless something of it cannot be followed.
func (t *translation) endpoint(i int, at string, e endpoint, r role) {
	t.skip = false
	job := t.job(fmt.Sprintf("%s/%s/%s/%d", r.prefix, t.o.Metadata.Namespace, t.o.Metadata.Name, i))
	t.scraping(job, at, e.scraping)
	t.scrapeOptions(job, at, e)
	sd, keep := t.discovery(r)
	job["kubernetes_sd_configs"] = []any{sd}
	port, ok := t.port(at, e, r)
	all := append(rules{{"source_labels": []string{"job"}, "target_label": "__tmp_prometheus_job_name"}}, keep...)
	all = append(all, port...)
	all = append(all, t.where(e, r)...)
	all = append(all, t.relabelings(at+".relabelings", e.Relabelings)...)
	job["relabel_configs"] = append(all, t.guard()...)
	if e.HonorLabels {
		metric, _ := job["metric_relabel_configs"].(rules)
		job["metric_relabel_configs"] = append(metric, t.guard()...)
	}
	if ok && !t.skip {
		t.jobs = append(t.jobs, job)
	}
}

// guard gives a target that takes the name of one of the stack's jobs the monitor's name instead.
func (t *translation) guard() rules {
	if t.options.ReservedJobs == "" {
		return nil
	}
	return rules{{"source_labels": []string{"job"}, "regex": t.options.ReservedJobs, "target_label": "job",
		"replacement": literal(t.o.Metadata.Namespace + "/" + t.o.Metadata.Name)}}
}

// literal is a replacement in which nothing is replaced.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

func (t *translation) scrapeOptions(job map[string]any, at string, e endpoint) {
	if a := t.o.Spec.AttachMetadata; a != nil && a.Node {
		t.ignored("spec.attachMetadata.node", "labels of nodes are not attached, for which Prometheus would watch all nodes; join kube_node_labels")
	}
	job["honor_labels"] = e.HonorLabels
	setPointer(job, "honor_timestamps", e.HonorTimestamps)
	setPointer(job, "track_timestamps_staleness", e.TrackStaleness)
	if e.Path != "" {
		job["metrics_path"] = e.Path
	}
	if len(e.Params) > 0 {
		job["params"] = e.Params
	}
	switch scheme := strings.ToLower(e.Scheme); scheme {
	case "":
	case "http", "https":
		job["scheme"] = scheme
	default:
		t.problem(at+".scheme", "%q is neither http nor https; the endpoint is skipped", e.Scheme)
	}
}

// discovery says where targets are looked for, and keeps those that the selector chooses.
func (t *translation) discovery(r role) (sd map[string]any, keep rules) {
	sd = map[string]any{"role": r.sd}
	if n := t.o.Spec.NamespaceSelector; !n.Any {
		names := n.Names
		if len(names) == 0 {
			names = []string{t.o.Metadata.Namespace}
		}
		sd["namespaces"] = map[string]any{"names": names}
	}
	if t.o.Spec.SelectorMechanism == "RoleSelector" {
		if selector, err := v1.LabelSelectorAsSelector(&t.o.Spec.Selector); err == nil && !selector.Empty() {
			selectors := []any{map[string]any{"role": r.selected, "label": selector.String()}}
			if r.sd != r.selected {
				selectors = append(selectors, map[string]any{"role": r.sd, "label": selector.String()})
			}
			sd["selectors"] = selectors
		}
	}
	return sd, t.selector(r)
}

// selector are the rules that keep what the label selector chooses.
func (t *translation) selector(r role) (keep rules) {
	labels := func(key string) []string {
		return []string{r.labels + "_" + metaLabel(key), r.labels + "present_" + metaLabel(key)}
	}
	for _, key := range sortedKeys(t.o.Spec.Selector.MatchLabels) {
		keep = append(keep, map[string]any{"source_labels": labels(key), "action": "keep", "regex": "(" + regexp.QuoteMeta(t.o.Spec.Selector.MatchLabels[key]) + ");true"})
	}
	for i, e := range t.o.Spec.Selector.MatchExpressions {
		var values []string
		for _, value := range e.Values {
			values = append(values, regexp.QuoteMeta(value))
		}
		among := "(" + strings.Join(values, "|") + ");true"
		switch e.Operator {
		case v1.LabelSelectorOpIn:
			keep = append(keep, map[string]any{"source_labels": labels(e.Key), "action": "keep", "regex": among})
		case v1.LabelSelectorOpNotIn:
			keep = append(keep, map[string]any{"source_labels": labels(e.Key), "action": "drop", "regex": among})
		case v1.LabelSelectorOpExists:
			keep = append(keep, map[string]any{"source_labels": labels(e.Key)[1:], "action": "keep", "regex": "true"})
		case v1.LabelSelectorOpDoesNotExist:
			keep = append(keep, map[string]any{"source_labels": labels(e.Key)[1:], "action": "drop", "regex": "true"})
		default:
			t.problem(fmt.Sprintf("spec.selector.matchExpressions[%d].operator", i), "%q is none of In, NotIn, Exists and DoesNotExist; the monitor is skipped", e.Operator)
		}
	}
	return keep
}

var notInLabel = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// metaLabel is a label's key as Prometheus' discovery writes it.
func metaLabel(key string) string { return notInLabel.ReplaceAllString(key, "_") }

// port are the rules that keep the endpoint's port. It reports whether there is one.
func (t *translation) port(at string, e endpoint, r role) (keep rules, ok bool) {
	const number = "__meta_kubernetes_pod_container_port_number"
	by := func(label, value string) (rules, bool) {
		return rules{
			{"source_labels": []string{label}, "regex": regexp.QuoteMeta(value), "action": "keep"},
		}, true
	}
	switch {
	case e.Port != "":
		return by(r.port, e.Port)
	case e.PortNumber != 0 && r.sd == pod.sd:
		return by(number, fmt.Sprint(e.PortNumber))
	case e.TargetPort != nil && e.TargetPort.StrVal != "":
		return by(pod.port, e.TargetPort.StrVal)
	case e.TargetPort != nil && e.TargetPort.IntVal != 0:
		return by(number, fmt.Sprint(e.TargetPort.IntVal))
	}
	t.problem(at, "it names no port; the endpoint is skipped; name one in port")
	return nil, false
}

// where are the labels that say where the target is, and its job.
func (t *translation) where(e endpoint, r role) rules {
	var all rules
	to := func(label string, from ...string) {
		all = append(all, map[string]any{"source_labels": from, "target_label": label})
	}
	if r.sd == service.sd {
		for _, kind := range []string{"Node", "Pod"} {
			all = append(all, map[string]any{
				"source_labels": []string{"__meta_kubernetes_endpointslice_address_target_kind", "__meta_kubernetes_endpointslice_address_target_name"},
				"regex":         kind + ";(.*)", "target_label": strings.ToLower(kind), "replacement": "${1}",
			})
		}
	}
	to("namespace", "__meta_kubernetes_namespace")
	if r.sd == service.sd {
		to("service", "__meta_kubernetes_service_name")
	}
	to("pod", "__meta_kubernetes_pod_name")
	to("container", "__meta_kubernetes_pod_container_name")
	if e.FilterRunning == nil || *e.FilterRunning {
		all = append(all, map[string]any{"source_labels": []string{"__meta_kubernetes_pod_phase"}, "regex": "(Failed|Succeeded)", "action": "drop"})
	}
	copied := func(prefix string, keys []string) {
		for _, key := range keys {
			if key == "" {
				continue
			}
			all = append(all, map[string]any{"source_labels": []string{prefix + "_" + metaLabel(key)}, "target_label": metaLabel(key), "regex": "(.+)", "replacement": "${1}"})
		}
	}
	if r.sd == service.sd {
		copied(service.labels, t.o.Spec.TargetLabels)
		to("job", "__meta_kubernetes_service_name")
	} else {
		all = append(all, map[string]any{"target_label": "job", "replacement": literal(t.o.Metadata.Namespace + "/" + t.o.Metadata.Name)})
	}
	copied(pod.labels, t.o.Spec.PodTargetLabels)
	if t.o.Spec.JobLabel != "" {
		all = append(all, map[string]any{"source_labels": []string{r.labels + "_" + metaLabel(t.o.Spec.JobLabel)}, "target_label": "job", "regex": "(.+)", "replacement": "${1}"})
	}
	named := e.Port
	if named == "" && e.TargetPort != nil {
		named = e.TargetPort.String()
	}
	if named != "" {
		all = append(all, map[string]any{"target_label": "endpoint", "replacement": literal(named)})
	}
	return all
}
