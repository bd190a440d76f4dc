package promql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Answer is what a server says to a query at one instant or at several.
type Answer struct {
	// Series by their labels, in Prometheus' notation. A scalar is one without labels.
	Series map[string]Series
	// Warnings, such as that some of the data did not answer.
	Warnings []string
	// Refused is why the server cannot answer, such as a match of many to many. Nil where it answers.
	Refused error
}

// Series is one series of an answer.
type Series struct {
	Metric model.Metric
	// Count is at how many of the instants it has a value that is a number, and Mean their mean; NaN where there is none.
	Count int
	Mean  float64
}

// Answer asks for a query at one instant. The error says that no answer came.
func (c *Client) Answer(ctx context.Context, query string, at time.Time) (Answer, error) {
	value, warnings, _, err := c.api.Query(ctx, query, at)
	return answer(query, value, warnings, err)
}

// Over asks for a query at every instant of a range. The error says that no answer came.
func (c *Client) Over(ctx context.Context, query string, over promv1.Range) (Answer, error) {
	value, warnings, _, err := c.api.QueryRange(ctx, query, over)
	return answer(query, value, warnings, err)
}

func answer(query string, value model.Value, warnings []string, err error) (Answer, error) {
	var refused *promv1.Error
	switch {
	case errors.As(err, &refused) && (refused.Type == promv1.ErrBadData || refused.Type == promv1.ErrExec):
		return Answer{Warnings: warnings, Refused: refused}, nil
	case err != nil:
		return Answer{}, fmt.Errorf("query %s: %w", query, err)
	}
	a := Answer{Series: map[string]Series{}, Warnings: warnings}
	add := func(metric model.Metric, values ...model.SamplePair) {
		s, sum := Series{Metric: metric}, 0.0
		for _, v := range values {
			if !math.IsNaN(float64(v.Value)) {
				s.Count++
				sum += float64(v.Value)
			}
		}
		s.Mean = sum / float64(s.Count)
		a.Series[metric.String()] = s
	}
	switch value := value.(type) {
	case *model.Scalar:
		add(model.Metric{}, model.SamplePair{Value: value.Value})
	case model.Vector:
		for _, s := range value {
			add(s.Metric, model.SamplePair{Value: s.Value})
		}
	case model.Matrix:
		for _, s := range value {
			add(s.Metric, s.Values...)
		}
	default:
		return Answer{}, fmt.Errorf("query %s gives a %s", query, value.Type())
	}
	return a, nil
}

// Of is the part of an answer in which a label has a value.
func (a Answer) Of(label, value string) Answer {
	part := Answer{Series: map[string]Series{}, Warnings: a.Warnings, Refused: a.Refused}
	for key, s := range a.Series {
		if string(s.Metric[model.LabelName(label)]) == value {
			part.Series[key] = s
		}
	}
	return part
}

// Without is an answer without labels. It is an error when two series become one.
func (a Answer) Without(labels ...string) (Answer, error) {
	rest := Answer{Series: map[string]Series{}, Warnings: a.Warnings, Refused: a.Refused}
	for key, s := range a.Series {
		metric := s.Metric.Clone()
		for _, label := range labels {
			delete(metric, model.LabelName(label))
		}
		s.Metric = metric
		if _, ok := rest.Series[metric.String()]; ok {
			return Answer{}, fmt.Errorf("without %v %s is another series, too", labels, key)
		}
		rest.Series[metric.String()] = s
	}
	return rest, nil
}

// Tolerance is how far two answers may differ. By default they are the same but for the last digits, in which sums of the same
// values in another order differ.
type Tolerance struct {
	// Mean may differ by this part of the larger one.
	Mean float64
	// Count may differ by so many instants. Means of no more instants than these are not compared.
	Count int
}

const lastDigits = 1e-9

// Differ says how an answer differs from the one wanted, by a series and how many more, or "".
func Differ(want, got Answer, t Tolerance) string {
	if (want.Refused == nil) != (got.Refused == nil) {
		return fmt.Sprintf("error %v, want %v", got.Refused, want.Refused)
	}
	different := Different(want, got, t)
	if len(different) == 0 {
		return ""
	}
	w, g := want.Series[different[0]], got.Series[different[0]]
	text := fmt.Sprintf("%s is %v at %d instants, want %v at %d", different[0], g.Mean, g.Count, w.Mean, w.Count)
	if more := len(different) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// Different are the labels of the series by which two answers differ, sorted.
func Different(want, got Answer, t Tolerance) (different []string) {
	keys := maps.Clone(want.Series)
	if keys == nil {
		keys = map[string]Series{}
	}
	maps.Copy(keys, got.Series)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		w, wanted := want.Series[key]
		g, given := got.Series[key]
		if instant := t.Count == 0; wanted != given && (instant || max(w.Count, g.Count) > t.Count) || abs(w.Count-g.Count) > t.Count ||
			min(w.Count, g.Count) > t.Count && !near(w.Mean, g.Mean, max(t.Mean, lastDigits)) {
			different = append(different, key)
		}
	}
	return different
}

func abs(n int) int { return max(n, -n) }

// near holds where two numbers differ by a part of the larger one.
func near(a, b, part float64) bool {
	return a == b || math.Abs(a-b) <= part*max(math.Abs(a), math.Abs(b))
}
