package dashboards

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/outrider-dev/outrider/test/metrics"
)

const (
	step = time.Minute
	// now is when queries are asked: after every range of the dashboards but the day's.
	now = 90 * time.Minute
)

// store is a Prometheus' storage in memory, with a sample a minute from 0 to now.
type store []storage.Series

// add puts in a series as promtool's tests write it, such as `up{job="redis"} 1+0x90`.
func (s *store) add(t *testing.T, line string) {
	t.Helper()
	name, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	s.put(name, func(i int) float64 {
		if i < len(values) && !values[i].Omitted {
			return values[i].Value
		}
		return math.NaN()
	})
}

func (s *store) put(name labels.Labels, value func(i int) float64) {
	var samples []chunks.Sample
	for i := range int(now/step) + 1 {
		if v := value(i); !math.IsNaN(v) {
			samples = append(samples, sample{int64(i) * step.Milliseconds(), v})
		}
	}
	*s = append(*s, storage.NewListSeries(name, samples))
}

// ask is an instant query at now.
func (s *store) ask(t *testing.T, query string) promql.Vector {
	t.Helper()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e7, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	defer engine.Close()
	q, err := engine.NewInstantQuery(t.Context(), s, nil, query, time.UnixMilli(now.Milliseconds()))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, query)
	}
	defer q.Close()
	result := q.Exec(t.Context())
	vector, err := result.Vector()
	if err != nil {
		t.Errorf("%v in:\n%s", err, query)
	}
	return slices.Clone(vector)
}

func (s *store) Querier(int64, int64) (storage.Querier, error) { return s, nil }

func (s *store) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	found := &set{}
	for _, series := range *s {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(series.Labels().Get(m.Name)) }) {
			found.series = append(found.series, series)
		}
	}
	return found
}

func (s *store) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (s *store) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (s *store) Close() error { return nil }

// set goes through series.
type set struct {
	series []storage.Series
	at     int
}

func (s *set) Next() bool                        { s.at++; return s.at <= len(s.series) }
func (s *set) At() storage.Series                { return s.series[s.at-1] }
func (s *set) Err() error                        { return nil }
func (s *set) Warnings() annotations.Annotations { return nil }

// fixture is a store with what [Fixture] says.
func fixture(t *testing.T, query string, known metrics.Set) *store {
	t.Helper()
	all, err := Fixture(query, known)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, query)
	}
	s := &store{}
	for _, series := range all {
		s.put(series.Labels, series.Value)
	}
	return s
}

// sample is a float at a moment.
type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
