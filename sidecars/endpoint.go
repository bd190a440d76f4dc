package sidecars

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// A pod's own metrics endpoints stand in the scrape annotation, as
// [JOB=][SCHEME:]PORT[/PATH], several separated by commas. Users write it for
// applications that serve metrics themselves; for a native workload that is
// recognised, Outrider does.
var (
	endpoint     = regexp.MustCompile(`^(?:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)=)?(?:(https?):)?([1-9][0-9]{0,4})(/[A-Za-z0-9/_.~-]{0,127})?$`)
	endpointPath = regexp.MustCompile(`^/[A-Za-z0-9/_.~-]{0,127}$`)
)

// MostEndpoints is how many endpoints of one pod are scraped.
const MostEndpoints = 3

// scraped answers the scrape annotation that a user wrote.
func (p *planner) scraped() {
	value, ok := p.Pod.Annotations[ScrapeKey]
	if !ok || value != "" && value == ownEndpoints(p.earlier) {
		return
	}
	parts := strings.Split(value, ",")
	for _, part := range parts {
		m := endpoint.FindStringSubmatch(strings.TrimSpace(part))
		port, valid := 0, m != nil
		if valid {
			port, _ = strconv.Atoi(m[3])
			valid = port <= 65535
		}
		if !valid {
			p.ignore(ScrapeKey, BadValue, "%s: %q is no endpoint; write PORT, PORT/PATH or https:PORT/PATH, such as 8080/stats", ScrapeKey, shorten(part))
			return
		}
	}
	if len(parts) > MostEndpoints {
		p.ignore(ScrapeKey, BadValue, "%s: %d endpoints; at most %d of one pod are scraped", ScrapeKey, len(parts), MostEndpoints)
		return
	}
	p.Decisions = append(p.Decisions, Decision{Key: ScrapeKey, Outcome: Discovered, Reason: Annotated})
}

// discover makes a native workload known to Prometheus, unless the user says
// where its metrics are.
func (p *planner) discover(e *entry, r request) {
	if _, ok := p.Pod.Annotations[ScrapeKey]; ok {
		return // answered by scraped
	}
	server, ok := p.server(e)
	if !ok {
		return
	}
	values, ok := p.values(e, server)
	if !ok {
		return
	}
	d := r.decision()
	d.Outcome, d.Definition, d.Endpoint = Discovered, e.hash, nativeEndpoint(e, values)
	if p.endpoints != "" {
		p.endpoints += ","
	}
	p.endpoints += d.Endpoint
	p.Decisions = append(p.Decisions, d)
}

// nativeEndpoint is where a native workload serves metrics: what its definition
// says, or its parameters named port and path.
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
