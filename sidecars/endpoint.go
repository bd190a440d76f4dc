package sidecars

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// A pod's own metrics endpoints stand in the scrape annotation, as
// [JOB=][SCHEME:]PORT[/PATH], several separated by commas. Users write it for
// applications that serve metrics themselves; for a native workload that is
// recognized, Outrider does. Package discovery makes its rules of the same patterns.
const (
	// JobPattern is an endpoint's job, as a regular expression without groups that capture.
	JobPattern = `[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?`
	// EndpointPattern is one endpoint, of a port of at most five digits.
	EndpointPattern = `(?:` + JobPattern + `=)?(?:https?:)?` + portPattern + `(?:` + pathPattern + `)?`

	portPattern = `[1-9][0-9]{0,4}`
	pathPattern = `/[A-Za-z0-9/_.~-]{0,127}`
)

var (
	endpoint     = regexp.MustCompile(`^(?:(` + JobPattern + `)=)?(?:(https?):)?(` + portPattern + `)(` + pathPattern + `)?$`)
	endpointPath = regexp.MustCompile(`^` + pathPattern + `$`)
)

// MostEndpoints is how many endpoints of one pod are scraped.
const MostEndpoints = 3

// stackJobs are the jobs under which the stack watches itself and the cluster: a
// tenant's pod must not report as one of them. etcd and coredns are none: they are
// exporters of the catalog too, and the cluster's own have namespace="kube-system".
var stackJobs = []string{
	"prometheus", "alertmanager", "node-exporter", "kube-state-metrics",
	"apiserver", "kubelet", "cadvisor", "kubelet-probes", "scheduler", "controller-manager", "kube-proxy",
	"grafana", "blackbox-exporter", "metrics-server", "probes",
}

// ReservedJobs is a regular expression of the jobs that no pod may report as.
func ReservedJobs() string { return ContainerPrefix + ".+|" + strings.Join(stackJobs, "|") }

// reservedJob reports whether a job is one of the stack's own.
func reservedJob(job string) bool {
	return slices.Contains(stackJobs, job) || strings.HasPrefix(job, ContainerPrefix)
}

// endpointsProblem says what is wrong with a scrape annotation, or "".
func endpointsProblem(value string) string {
	parts := strings.Split(value, ",")
	if len(parts) > MostEndpoints {
		return fmt.Sprintf("%d endpoints; at most %d of one pod are scraped", len(parts), MostEndpoints)
	}
	seen := map[string]bool{}
	for _, part := range parts {
		trimmed := strings.Trim(part, " ")
		m := endpoint.FindStringSubmatch(trimmed)
		port := 0
		if m != nil {
			port, _ = strconv.Atoi(m[3])
		}
		switch {
		case m == nil || port > 65535 || spaces(part) > mostSpaces:
			return fmt.Sprintf("%q is no endpoint; write [JOB=][https:]PORT[/PATH], such as 8080/stats", shorten(part))
		case reservedJob(m[1]):
			return fmt.Sprintf("the job %q is the stack's own; choose another name", m[1])
		case seen[m[1]+"="+m[3]]:
			return fmt.Sprintf("port %s is given twice; name the endpoints: a=%s,b=%s/x", m[3], m[3], m[3])
		}
		seen[m[1]+"="+m[3]] = true
	}
	return ""
}

// mostSpaces may stand before an endpoint, and behind it.
const mostSpaces = 9

// spaces are those before a text or those behind it, whichever are more.
func spaces(text string) int {
	return max(len(text)-len(strings.TrimLeft(text, " ")), len(text)-len(strings.TrimRight(text, " ")))
}

// scraped answers the scrape annotation that a user wrote.
func (p *planner) scraped() {
	value, ok := p.Pod.Annotations[ScrapeKey]
	if !ok || value != "" && value == ownEndpoints(p.earlier) {
		return
	}
	if problem := endpointsProblem(value); problem != "" {
		p.ignore(ScrapeKey, BadValue, "%s: %s", ScrapeKey, problem)
		return
	}
	p.Decisions = append(p.Decisions, Decision{Key: ScrapeKey, Outcome: Discovered, Reason: Annotated})
}

// discover makes a native workload known to Prometheus, unless the user says
// where its metrics are.
func (p *planner) discover(e *entry, r request) {
	if value, ok := p.Pod.Annotations[ScrapeKey]; ok && (value == "" || value != ownEndpoints(p.earlier)) {
		return // answered by scraped
	}
	before := len(p.Decisions)
	shown, ok := p.settings(e)
	p.warning = ""
	if !ok || p.refuseObstacle(e, shown, beforeAccount) {
		p.soften(before)
		return
	}
	p.warnUnfound(e, shown)
	d := r.decision()
	d.Outcome, d.Definition, d.Endpoint, d.Message, d.Profile = Discovered, e.hash, nativeEndpoint(e, shown.values), p.warning, shown.profile
	all := ownEndpoints(append(slices.Clone(p.Decisions), d))
	if problem := endpointsProblem(all); problem != "" {
		p.refuse(e.name, BadValue, "%s: %s", e.name, problem)
		return
	}
	p.endpoints = all
	p.Decisions = append(p.Decisions, d)
}

// soften makes a refusal that is about the workload's own setup a skip where
// only the namespace asked: there is nothing wrong with the pod.
func (p *planner) soften(from int) {
	if _, asked := p.Pod.Annotations[InjectKey]; asked {
		return
	}
	for i := from; i < len(p.Decisions); i++ {
		if d := &p.Decisions[i]; d.Outcome == Refused && (d.Reason == UnknownSetting || d.Reason == Unsupported || d.Reason == Ambiguous) {
			d.Outcome = Skipped
		}
	}
}

// nativeEndpoint is where a native workload serves metrics: what its definition
// says, or its parameters named port, path and scheme.
func nativeEndpoint(e *entry, values map[string]string) string {
	port, path := strconv.Itoa(int(e.spec.Port)), e.spec.Path
	if v, ok := values["port"]; ok {
		port = v
	}
	if v, ok := values["path"]; ok {
		path = v
	}
	if path == "/metrics" {
		path = ""
	}
	if values["scheme"] == "https" {
		port = "https:" + port
	}
	return fmt.Sprintf("%s=%s%s", e.name, port, path)
}

// ownEndpoints is the scrape annotation as Outrider wrote it, or "".
func ownEndpoints(decisions []Decision) string {
	var all []string
	for _, d := range decisions {
		if d.Endpoint != "" {
			all = append(all, d.Endpoint)
		}
	}
	return strings.Join(all, ",")
}

// isNative reports whether an entry only makes its workload known.
func isNative(e *entry) bool { return e.spec.Type == v1alpha1.Native }
