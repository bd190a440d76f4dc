package coverage

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// prom is a Prometheus that is asked.
type prom struct {
	client api.Client
	api    promv1.API
}

// evidence is what a Prometheus says about targets.
type evidence struct {
	up           map[target]bool    // the last scrape succeeded
	metric       map[target]float64 // the upMetric, the least where there are several
	errors       map[target]string  // the exporter's own last error
	scrapeErrors map[target]string  // Prometheus' last error
}

// NewClient is a client of the Prometheus that the options name.
func NewClient(o Options) (api.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.PrometheusSkipVerify}
	client, err := api.NewClient(api.Config{Address: o.PrometheusURL, RoundTripper: login{transport, o.PrometheusUser, o.PrometheusPasswordFile}})
	if err != nil {
		return nil, fmt.Errorf("create a client of Prometheus: %w", err)
	}
	return client, nil
}

func newProm(o Options) (*prom, error) {
	client, err := NewClient(o)
	if err != nil {
		return nil, err
	}
	return &prom{client: client, api: promv1.NewAPI(client)}, nil
}

// login adds a user and the password of a file to requests, where there is a user.
type login struct {
	next         http.RoundTripper
	user         string
	passwordFile string
}

// RoundTrip implements http.RoundTripper.
func (l login) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.user == "" {
		return l.next.RoundTrip(r)
	}
	password, err := os.ReadFile(l.passwordFile)
	if err != nil {
		return nil, fmt.Errorf("read the password for Prometheus: %w", err)
	}
	r = r.Clone(r.Context())
	r.SetBasicAuth(l.user, strings.TrimSpace(string(password)))
	return l.next.RoundTrip(r)
}

// ask puts two questions, however many targets there are, and two more where
// something is down.
func (p *prom) ask(ctx context.Context, used map[string]v1alpha1.ExporterSpec) (evidence, error) {
	ev := evidence{up: map[target]bool{}, metric: map[target]float64{}, errors: map[target]string{}, scrapeErrors: map[target]string{}}
	jobs := strings.Join(slices.Sorted(maps.Keys(used)), "|")
	err := p.each(ctx, fmt.Sprintf(`up{job=~%q,namespace!="",pod!=""}`, jobs), func(t target, s *model.Sample) { ev.up[t] = s.Value == 1 })
	if err != nil {
		return ev, err
	}
	metrics := names(used, func(spec v1alpha1.ExporterSpec) string { return spec.UpMetric })
	query := fmt.Sprintf(`min by (__name__, namespace, pod, container, job) ({__name__=~%q,job=~%q,namespace!="",pod!=""})`, metrics, jobs)
	err = p.each(ctx, query, func(t target, s *model.Sample) {
		if string(s.Metric[model.MetricNameLabel]) == used[t.exporter].UpMetric {
			ev.metric[t] = float64(s.Value)
		}
	})
	if err != nil {
		return ev, err
	}
	unreached, unscraped := false, false
	for t, up := range ev.up {
		unscraped = unscraped || !up
		unreached = unreached || up && ev.metric[t] == 0
	}
	if errors := names(used, errorMetric); unreached && errors != "" {
		err = p.each(ctx, fmt.Sprintf(`{__name__=~%q,job=~%q,namespace!="",pod!=""} != 0`, errors, jobs), func(t target, s *model.Sample) {
			if m := used[t.exporter].Diagnosis.ErrorMetric; m != nil && string(s.Metric[model.MetricNameLabel]) == m.Name {
				ev.errors[t] = string(s.Metric[model.LabelName(m.Label)])
			}
		})
	}
	if unscraped && err == nil {
		err = p.lastErrors(ctx, ev.scrapeErrors)
	}
	return ev, err
}

func errorMetric(spec v1alpha1.ExporterSpec) string {
	if m := spec.Diagnosis.ErrorMetric; m != nil {
		return m.Name
	}
	return ""
}

// each asks for a vector and hands on its samples with their targets.
func (p *prom) each(ctx context.Context, query string, do func(target, *model.Sample)) error {
	value, _, _, err := p.api.Query(ctx, query, time.Time{}) // at Prometheus' own time
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return fmt.Errorf("query: want a vector, got %s", value.Type())
	}
	for _, s := range vector {
		if t, ok := targetWith(s.Metric); ok {
			do(t, s)
		}
	}
	return nil
}

// targetWith is the target that has these labels. The container tells an
// exporter from an endpoint that only calls its job the same.
func targetWith(labels model.Metric) (target, bool) {
	t := target{namespace: string(labels["namespace"]), pod: string(labels["pod"]), exporter: string(labels["job"])}
	switch string(labels["container"]) {
	case sidecars.ContainerPrefix + t.exporter:
		return t, true
	case "":
		t.native = true
		return t, true
	}
	return t, false
}

// lastErrors are Prometheus' own about the exporters that it cannot scrape. The
// client's method would fetch the targets of all jobs, and those dropped.
func (p *prom) lastErrors(ctx context.Context, into map[target]string) error {
	for _, job := range sidecars.ExporterJobs() {
		if err := p.lastErrorsOf(ctx, job, into); err != nil {
			return err
		}
	}
	return nil
}

func (p *prom) lastErrorsOf(ctx context.Context, job string, into map[target]string) error {
	u := p.client.URL("/api/v1/targets", nil)
	u.RawQuery = url.Values{"state": {"active"}, "scrapePool": {job}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("ask for targets: %w", err)
	}
	resp, body, err := p.client.Do(ctx, req)
	if err != nil {
		return fmt.Errorf("ask for targets: %w", err)
	}
	defer resp.Body.Close() // again: the client has read all of it
	var said struct {
		Data struct {
			ActiveTargets []struct {
				Labels    model.Metric `json:"labels"`
				LastError string       `json:"lastError"`
			} `json:"activeTargets"`
		} `json:"data"`
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for targets: %s", resp.Status)
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("read targets: %w", err)
	}
	for _, a := range said.Data.ActiveTargets {
		if t, ok := targetWith(a.Labels); ok && a.LastError != "" {
			into[t] = a.LastError
		}
	}
	return nil
}
