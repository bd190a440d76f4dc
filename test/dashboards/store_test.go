package dashboards

import (
	"context"
	"math"
	"regexp/syntax"
	"slices"
	"strings"
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

// fixture fills a store with every series that the selectors of a query ask for, in two clusters with the same two
// namespaces, each with a pod of the same name.
func fixture(t *testing.T, query string, known metrics.Set) *store {
	t.Helper()
	expr, err := parse(query)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, query)
	}
	s, seen := &store{}, map[string]bool{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		for _, cluster := range []string{"east", "west"} {
			for _, namespace := range []string{"shop", "staging"} {
				for _, le := range []string{"0.1", "1", "+Inf"} {
					name := seriesOf(t, selector, known, cluster, namespace, le)
					if !seen[name.String()] {
						seen[name.String()] = true
						s.put(name, valueOf(selector.Name, le, namespace))
					}
				}
			}
		}
		return nil
	})
	return s
}

// seriesOf is one series that a selector matches. What belongs to a node or to the cluster has no namespace.
func seriesOf(t *testing.T, s *parser.VectorSelector, known metrics.Set, cluster, namespace, le string) labels.Labels {
	t.Helper()
	values := map[string]string{}
	for _, label := range slices.Concat(known[s.Name], metrics.Scraped) {
		values[label] = "x"
	}
	if _, ok := values["le"]; ok {
		values["le"] = le
	}
	values["namespace"] = namespace
	if own := known[s.Name]; !slices.Contains(own, "namespace") { // it is the target's
		values["instance"] = namespace
		if slices.Contains(own, "node") || strings.HasPrefix(s.Name, "node_") || strings.HasPrefix(s.Name, "apiserver_") {
			values["namespace"], values["instance"] = "x", "x"
		}
	}
	for _, m := range s.LabelMatchers {
		if m.Matches(values[m.Name]) && m.Name != "__name__" {
			continue
		}
		value, ok := example(m)
		if !ok {
			t.Errorf("no value for %s", m)
		}
		values[m.Name] = value
	}
	values["cluster"] = cluster
	return labels.FromMap(values)
}

// example is a value that a matcher takes.
func example(m *labels.Matcher) (string, bool) {
	candidates := []string{m.Value, "x", "a", "true"}
	if m.Type == labels.MatchRegexp {
		if re, err := syntax.Parse(m.Value, syntax.Perl); err == nil {
			candidates = append(candidates, shortest(re.Simplify()))
		}
	}
	i := slices.IndexFunc(candidates, m.Matches)
	if i < 0 {
		return "", false
	}
	return candidates[i], true
}

// shortest is about the shortest text that a regular expression matches.
func shortest(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpAlternate:
		return shortest(re.Sub[0])
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(shortest(sub))
		}
		return b.String()
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCharClass:
		return string(re.Rune[0])
	}
	return ""
}

// valueOf grows for a counter, and is 1 for the gauges that stand for something being there. The targets of staging are down.
func valueOf(name, le, namespace string) func(i int) float64 {
	if name == "up" && namespace == "staging" {
		return func(int) float64 { return 0 }
	}
	buckets := map[string]float64{"0.1": 1, "1": 2, "+Inf": 3}
	for _, suffix := range []string{"_total", "_count", "_sum", "_bucket"} {
		if strings.HasSuffix(name, suffix) {
			return func(i int) float64 {
				if suffix == "_bucket" {
					return float64(i) * buckets[le]
				}
				return float64(i)
			}
		}
	}
	if strings.HasPrefix(name, "kube_") || strings.HasSuffix(name, "_up") || name == "up" {
		return func(int) float64 { return 1 }
	}
	return func(i int) float64 { return 1 + float64(i)/1000 } // many a counter has no ending
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
