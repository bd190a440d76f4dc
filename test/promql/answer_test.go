package promql

import (
	"math"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
)

// of makes an answer of series, each with its values.
func of(t *testing.T, series map[string][]float64) Answer {
	t.Helper()
	var matrix model.Matrix
	for name, values := range series {
		s := &model.SampleStream{Metric: model.Metric{"pod": model.LabelValue(name), "cluster": "east"}}
		for _, v := range values {
			s.Values = append(s.Values, model.SamplePair{Value: model.SampleValue(v)})
		}
		matrix = append(matrix, s)
	}
	a, err := answer("", matrix, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDiffer(t *testing.T) {
	wide := Tolerance{Mean: 0.1, Count: 2}
	for name, c := range map[string]struct {
		want, got map[string][]float64
		tolerance Tolerance
		says      string
	}{
		"the same":              {map[string][]float64{"a": {1, 2}}, map[string][]float64{"a": {1, 2}}, Tolerance{}, ""},
		"last digits":           {map[string][]float64{"a": {1}}, map[string][]float64{"a": {1 + 1e-12}}, Tolerance{}, ""},
		"another value":         {map[string][]float64{"a": {1}}, map[string][]float64{"a": {1.01}}, Tolerance{}, "1.01"},
		"missing":               {map[string][]float64{"a": {1}, "b": {1}}, map[string][]float64{"a": {1}}, Tolerance{}, `pod="b"`},
		"too much":              {map[string][]float64{"a": {1}}, map[string][]float64{"a": {1}, "b": {1}, "c": {1}}, Tolerance{}, ", and 1 more"},
		"no number":             {map[string][]float64{"a": {math.NaN()}}, map[string][]float64{"a": {math.NaN()}}, Tolerance{}, ""},
		"no number, missing":    {map[string][]float64{"a": {math.NaN()}}, nil, Tolerance{}, "want NaN"},
		"infinite":              {map[string][]float64{"a": {math.Inf(1)}}, map[string][]float64{"a": {math.Inf(1)}}, Tolerance{}, ""},
		"mean within tolerance": {map[string][]float64{"a": {9, 11, 10}}, map[string][]float64{"a": {10, 10, 12}}, wide, ""},
		"doubled":               {map[string][]float64{"a": {9, 11, 10}}, map[string][]float64{"a": {18, 22, 20}}, wide, "20"},
		"for a moment":          {map[string][]float64{"a": {1, 1}}, nil, wide, ""},
		"for longer":            {map[string][]float64{"a": {1, 1, 1}}, nil, wide, "at 0 instants, want 1 at 3"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Differ(of(t, c.want), of(t, c.got), c.tolerance)
			if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
				t.Errorf("got %q, want %q", got, c.says)
			}
		})
	}
}

func TestWithout(t *testing.T) {
	a := of(t, map[string][]float64{"a": {1}, "b": {1}})
	if rest, err := a.Without("cluster"); err != nil || rest.Series[`{pod="a"}`].Mean != 1 || len(rest.Of("pod", "b").Series) != 1 {
		t.Errorf("got %v, %v", rest, err)
	}
	if _, err := a.Without("pod"); err == nil {
		t.Error("two series became one without an error")
	}
}
