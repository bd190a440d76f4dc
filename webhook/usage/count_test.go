package usage

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

func TestLevels(t *testing.T) {
	const most = 1000
	for i, c := range []struct {
		before      level
		now, lately int
		want        level
	}{
		{within, 0, 0, within}, {within, 799, 799, within}, {within, 800, 800, near}, {within, 1000, 1000, near}, {within, 1001, 1001, exhausted}, {within, 1 << 30, 1 << 30, exhausted},
		{near, 799, 799, within}, {near, 900, 900, near}, {near, 1001, 1001, exhausted},
		{exhausted, 1001, 1001, exhausted}, {exhausted, 1000, 1000, exhausted}, {exhausted, 800, 800, exhausted}, {exhausted, 799, 799, within}, {exhausted, 0, 0, within},
		{within, 0, 1001, within}, {near, 0, 800, near}, {exhausted, 0, 800, exhausted}, {exhausted, 0, unknown, exhausted},
	} {
		if got := levelAfter(c.before, &count{now: c.now, lately: c.lately}, most); got != c.want {
			t.Errorf("case %d: %d of %d, lately %d, after %q is %q, want %q", i, c.now, most, c.lately, c.before, got, c.want)
		}
	}
	if got := levelAfter(within, &count{now: 1, lately: 1}, 1); got != near {
		t.Errorf("1 of 1 is %q", got)
	}
	if got := levelAfter(exhausted, nil, most); got != within {
		t.Errorf("what nobody counts is %q", got)
	}
}

// step is the time between two scrapes, asked when the time of the question.
const (
	step  = 30 * time.Second
	asked = 20 * step
)

// memory is a Prometheus whose storage is in memory.
type memory struct {
	promv1.API
	t        *testing.T
	series   []promql.Series
	warnings promv1.Warnings
}

// scraped adds what Prometheus stores of a pod's target: whether it was up at each step, and its samples.
func (m *memory) scraped(target, up, samples string) {
	m.t.Helper()
	for name, values := range map[string]string{"up": up, "scrape_samples_post_metric_relabeling": samples} {
		metric, found, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(name + "{" + target + "} " + values)
		if err != nil {
			m.t.Fatal(err)
		}
		s := promql.Series{Metric: metric}
		for i, v := range found {
			if !v.Omitted {
				s.Floats = append(s.Floats, promql.FPoint{T: int64(i) * step.Milliseconds(), F: v.Value})
			}
		}
		m.series = append(m.series, s)
	}
}

// Query evaluates with Prometheus' own engine.
func (m *memory) Query(ctx context.Context, query string, _ time.Time, _ ...promv1.Option) (model.Value, promv1.Warnings, promv1.Infos, error) {
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	defer engine.Close()
	q, err := engine.NewInstantQuery(ctx, m, nil, query, time.UnixMilli(asked.Milliseconds()))
	if err != nil {
		return nil, nil, nil, err
	}
	defer q.Close()
	found, err := q.Exec(ctx).Vector()
	if err != nil {
		return nil, nil, nil, err
	}
	vector := model.Vector{}
	for _, s := range found {
		metric := model.Metric{}
		s.Metric.Range(func(l labels.Label) { metric[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
		vector = append(vector, &model.Sample{Metric: metric, Value: model.SampleValue(s.F)})
	}
	return vector, m.warnings, nil, nil
}

func (m *memory) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		s := &set{}
		for _, series := range m.series {
			if !slices.ContainsFunc(matchers, func(l *labels.Matcher) bool { return !l.Matches(series.Metric.Get(l.Name)) }) {
				s.series = append(s.series, series)
			}
		}
		return s
	}}, nil
}

// set goes through series.
type set struct {
	series []promql.Series
	at     int
}

func (s *set) Next() bool                        { s.at++; return s.at <= len(s.series) }
func (s *set) At() storage.Series                { return promql.NewStorageSeries(s.series[s.at-1]) }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

// The state of a budget follows what a namespace has, and not what Prometheus missed.
func TestLevelFollowsThePods(t *testing.T) {
	const large = `namespace="shop",pod="db",container="outrider-postgres",job="postgres",instance="10.0.0.1:9187"`
	small := strings.NewReplacer("db", "web", "postgres", "nginx", "10.0.0.1", "10.0.0.2").Replace(large)
	other := strings.ReplaceAll(large, "shop", "other")
	replica := func(target, name string) string { return target + `,replica="` + name + `"` }
	for name, c := range map[string]struct {
		scraped  [][3]string // target, up, samples; the last step is 20
		warnings promv1.Warnings
		before   level
		want     level
	}{
		"grew":                                {scraped: [][3]string{{large, "1x20", "300x19 1150"}}, before: within, want: exhausted},
		"shrank":                              {scraped: [][3]string{{large, "1x20", "300x20"}}, before: exhausted, want: within},
		"shrank to more than 80 %":            {scraped: [][3]string{{large, "1x20", "900x20"}}, before: exhausted, want: exhausted},
		"just shrank":                         {scraped: [][3]string{{large, "1x20", "1150x18 300 300"}}, before: exhausted, want: exhausted},
		"one scrape failed":                   {scraped: [][3]string{{small, "1x20", "100x20"}, {large, "1x19 0", "900x19 0"}}, before: exhausted, want: exhausted},
		"one scrape failed before":            {scraped: [][3]string{{small, "1x20", "100x20"}, {large, "1x18 0 1", "900x18 0 900"}}, before: exhausted, want: exhausted},
		"one scrape failed, near":             {scraped: [][3]string{{large, "1x19 0", "900x19 0"}}, before: near, want: near},
		"one scrape failed, within":           {scraped: [][3]string{{large, "1x19 0", "700x19 0"}}, before: within, want: within},
		"half a page":                         {scraped: [][3]string{{large, "1x20", "900x18 20 20"}}, before: exhausted, want: exhausted},
		"down for long":                       {scraped: [][3]string{{small, "1x20", "100x20"}, {large, "1x5 0x14", "900x5 0x14"}}, before: exhausted, want: within},
		"pod just gone":                       {scraped: [][3]string{{small, "1x20", "100x20"}, {large, "1x18 stale", "900x18 stale"}}, before: exhausted, want: exhausted},
		"pod gone for long":                   {scraped: [][3]string{{small, "1x20", "100x20"}, {large, "1x5 stale", "900x5 stale"}}, before: exhausted, want: within},
		"all pods gone":                       {scraped: [][3]string{{other, "1x20", "100x20"}}, before: exhausted, want: within},
		"beyond its limit":                    {scraped: [][3]string{{small, "1x20", "100x20"}, {large, "0x20", "116000x20"}}, before: exhausted, want: within},
		"now beyond its limit":                {scraped: [][3]string{{small, "1x20", "100x20"}, {large, "1x19 0", "300x19 116000"}}, before: within, want: within},
		"Prometheus restarted, empty":         {scraped: [][3]string{{small, "_x19 1", "_x19 100"}}, before: exhausted, want: exhausted},
		"Prometheus restarted, no scrape yet": {before: exhausted, want: exhausted},
		"Prometheus was down for a minute":    {scraped: [][3]string{{small, "1x17 _ _ 1", "100x17 _ _ 100"}, {large, "1x17", "900x17"}}, before: exhausted, want: exhausted},
		"Prometheus was down for long":        {scraped: [][3]string{{small, "1x3 _x15 1", "100x3 _x15 100"}, {large, "1x3", "900x3"}}, before: exhausted, want: exhausted},
		"a partial answer":                    {scraped: [][3]string{{small, "1x20", "100x20"}}, warnings: promv1.Warnings{"no store matched"}, before: exhausted, want: exhausted},
		"a partial answer, above":             {scraped: [][3]string{{small, "1x20", "1001x20"}}, warnings: promv1.Warnings{"no store matched"}, before: near, want: exhausted},
		"scraped by two replicas":             {scraped: [][3]string{{replica(large, "a"), "1x20", "700x20"}, {replica(large, "b"), "1x20", "700x20"}}, before: exhausted, want: within},
		"missed by one of two replicas":       {scraped: [][3]string{{replica(large, "a"), "1x20", "1100x20"}, {replica(large, "b"), "1x19 0", "1100x19 0"}}, before: within, want: exhausted},
		"the stack's own job":                 {scraped: [][3]string{{strings.ReplaceAll(large, `job="postgres"`, `job="kube-state-metrics"`), "1x20", "5000x20"}}, before: within, want: within},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{t: t, warnings: c.warnings}
			for _, s := range c.scraped {
				m.scraped(s[0], s[1], s[2])
			}
			u := &Usage{Options: Options{Prometheus: m, Interval: time.Minute}}
			counted, err := u.ask(t.Context(), []string{"cart", "shop"})
			if err != nil {
				t.Fatal(err)
			}
			if got := levelAfter(c.before, counted["shop"], 1000); got != c.want {
				t.Errorf("%+v after %q is %q, want %q", counted["shop"], c.before, got, c.want)
			}
			if c := counted["cart"]; c == nil || c.now != 0 {
				t.Errorf("a namespace without pods has %+v", c)
			}
		})
	}
}
