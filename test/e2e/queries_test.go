package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"sigs.k8s.io/yaml"
)

// query is an entry of testdata/promql.yaml, which says what its fields mean.
type query struct {
	Name    string   `json:"name"`
	Query   string   `json:"query"`
	Count   *int     `json:"count"`
	AtLeast int      `json:"atLeast"`
	Value   *float64 `json:"value"`
	Above   *float64 `json:"above"`
	Labels  []string `json:"labels"`
	Process bool     `json:"process"`
}

// testQueries holds that the stack sees the cluster: each scrape job has a
// target, all are up, and their series carry the promised labels.
func testQueries(t *testing.T, e *env) {
	data, err := os.ReadFile("testdata/promql.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var queries []query
	if err := yaml.UnmarshalStrict(data, &queries); err != nil {
		t.Fatal(err)
	}
	for _, q := range queries {
		t.Run(strings.ReplaceAll(q.Name, " ", "_"), func(t *testing.T) {
			if q.Process && e.cluster.ControlPlane() == "" {
				t.Skip("whether the control plane can be scraped is this cluster's own affair")
			}
			t.Parallel()
			eventually(t, func() string {
				v, err := e.prom.Query(t.Context(), q.Query)
				if err != nil {
					return err.Error()
				}
				if wrong := q.wrong(v); wrong != "" {
					return fmt.Sprintf("%s: %s:\n%v", q.Query, wrong, v)
				}
				return ""
			})
		})
	}
}

// wrong says what of the answer is not as expected, or "".
func (q query) wrong(v model.Vector) string {
	switch {
	case q.Count != nil && len(v) != *q.Count:
		return fmt.Sprintf("%d series, want %d", len(v), *q.Count)
	case q.Count == nil && len(v) < max(q.AtLeast, 1):
		return fmt.Sprintf("%d series, want at least %d", len(v), max(q.AtLeast, 1))
	}
	for _, s := range v {
		value := float64(s.Value)
		switch {
		case q.Value != nil && value != *q.Value:
			return fmt.Sprintf("%v, want %v", value, *q.Value)
		case q.Above != nil && !(value > *q.Above): // not a number is no better than too small
			return fmt.Sprintf("%v, want more than %v", value, *q.Above)
		}
		for _, label := range q.Labels {
			name, want, exact := strings.Cut(label, "=")
			if got := string(s.Metric[model.LabelName(name)]); got == "" || exact && got != want {
				return fmt.Sprintf("label %s is %q", label, got)
			}
		}
	}
	return ""
}
