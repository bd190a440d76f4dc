package monitors

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

// job is the beginning of a scrape job: its name, and the limits.
func (t *translation) job(name string) map[string]any {
	job := maps.Clone(t.options.Defaults)
	if job == nil {
		job = map[string]any{}
	}
	job["job_name"] = name
	for key, own := range map[string]int64{
		"sample_limit": t.o.Spec.SampleLimit, "target_limit": t.o.Spec.TargetLimit, "label_limit": t.o.Spec.LabelLimit,
		"label_name_length_limit": t.o.Spec.LabelNameLimit, "label_value_length_limit": t.o.Spec.LabelValueLimit,
	} {
		if most, limited := number(job[key]); own > 0 && (!limited || own < most) {
			job[key] = own
		}
	}
	if most, own := bytes(job["body_size_limit"]), bytes(t.o.Spec.BodySizeLimit); own > 0 && (most == 0 || own < most) {
		job["body_size_limit"] = t.o.Spec.BodySizeLimit
	}
	t.protocols(job)
	return job
}

var size = regexp.MustCompile(`^([0-9]{1,6})([KMGT]i?)?B$`)

// bytes is a size as Prometheus writes it, such as 64MB, and 0 for what is none.
func bytes(value any) uint64 {
	text, _ := value.(string)
	m := size.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseUint(m[1], 10, 64)
	for _, unit := range []byte("KMGT") {
		if m[2] == "" {
			break
		}
		n <<= 10
		if m[2][0] == unit {
			break
		}
	}
	return n
}

// formats are the protocols by which Prometheus asks for metrics.
var formats = []string{"PrometheusProto", "PrometheusText0.0.4", "PrometheusText1.0.0", "OpenMetricsText0.0.1", "OpenMetricsText1.0.0"}

func (t *translation) protocols(job map[string]any) {
	seen := map[string]bool{}
	for _, name := range append([]string{t.o.Spec.FallbackProtocol}, t.o.Spec.Protocols...) {
		if name != "" && !slices.Contains(formats, name) {
			t.problem("spec.scrapeProtocols", "%q is none of %v; the object is skipped", name, formats)
		}
	}
	for _, name := range t.o.Spec.Protocols {
		if seen[name] {
			t.problem("spec.scrapeProtocols", "%q is given twice; the object is skipped", name)
		}
		seen[name] = true
	}
	if t.o.Spec.FallbackProtocol != "" {
		job["fallback_scrape_protocol"] = t.o.Spec.FallbackProtocol
	}
	if len(t.o.Spec.Protocols) > 0 {
		job["scrape_protocols"] = t.o.Spec.Protocols
	}
}

// number is a limit of the defaults, which come from JSON. 0 is no limit.
func number(value any) (n int64, limited bool) {
	switch v := value.(type) {
	case float64:
		n = int64(v)
	case int64:
		n = v
	case int:
		n = int64(v)
	}
	return n, n > 0
}

// scraping sets what endpoints and probes have in common.
func (t *translation) scraping(job map[string]any, at string, s scraping) {
	t.times(job, at, s)
	setPointer(job, "follow_redirects", s.FollowRedirects)
	setPointer(job, "enable_http2", s.EnableHTTP2)
	if s.ProxyURL != "" {
		if u, err := url.Parse(s.ProxyURL); err != nil || u.User != nil || u.Host == "" {
			t.problem(at+".proxyUrl", "it is no address without a login, such as http://proxy:3128; the endpoint is skipped")
		} else {
			job["proxy_url"] = s.ProxyURL
		}
	}
	if all := t.relabelings(at+".metricRelabelings", s.MetricRelabelings); len(all) > 0 {
		job["metric_relabel_configs"] = all
	}
	t.credentials(job, at, s)
	t.tls(job, at+".tlsConfig", s.TLS)
}

// times sets interval and timeout. A timeout above the interval makes Prometheus refuse everything.
func (t *translation) times(job map[string]any, at string, s scraping) {
	interval, _ := job["scrape_interval"].(string)
	if s.Interval != "" {
		if parseDuration(s.Interval) > 0 {
			interval = s.Interval
			job["scrape_interval"] = interval
		} else {
			t.problem(at+".interval", "%q is no duration above zero, such as 30s; the endpoint is skipped", s.Interval)
		}
	}
	if s.ScrapeTimeout == "" {
		return
	}
	timeout, most := parseDuration(s.ScrapeTimeout), parseDuration(interval)
	switch {
	case timeout <= 0:
		t.problem(at+".scrapeTimeout", "%q is no duration above zero, such as 10s; the endpoint is skipped", s.ScrapeTimeout)
	case timeout > most:
		t.problem(at+".scrapeTimeout", "%s is longer than the interval, %s; the endpoint is skipped; set interval to as much at least", s.ScrapeTimeout, interval)
	default:
		job["scrape_timeout"] = s.ScrapeTimeout
	}
}

// parseDuration is 0 for what is no duration.
func parseDuration(text string) time.Duration {
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0
	}
	return time.Duration(d)
}

func setPointer(job map[string]any, key string, value *bool) {
	if value != nil {
		job[key] = *value
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
