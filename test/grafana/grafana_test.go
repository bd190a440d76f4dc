package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEverything(t *testing.T) {
	for expr, want := range map[string]string{
		`up{job=~"$job"}`: `up{job=~".*"}`,
		`rate(a{b=~"${pod}",c=~"${d:regex}"}[$__rate_interval])`: `rate(a{b=~".*",c=~".*"}[$__rate_interval])`,
		`$x`: `.*`, `1`: `1`,
	} {
		if got := everything(expr); got != want {
			t.Errorf("everything(%s) = %s, want %s", expr, got, want)
		}
	}
}

// TestCheck holds what is an error, against a stand-in for Grafana: the real one runs in .github/workflows/grafana.yaml.
func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		answers map[string]string // by path, instead of the good ones
		want    string            // in the error; "" for none
	}{
		"good":           {nil, ""},
		"refused":        {map[string]string{"/api/dashboards/db": ""}, "One: load: POST /api/dashboards/db: 500"},
		"query fails":    {map[string]string{"/api/ds/query": `{"results":{"A":{"error":"parse error"}}}`}, `One, panel "In a row": query A: parse error`},
		"no picture":     {map[string]string{"/render/d-solo/one": "<html>"}, `One, panel "First": render: no picture`},
		"no data source": {map[string]string{"/api/datasources": ""}, "add Prometheus"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				good := map[string]string{
					"/api/health": "{}", "/api/datasources": "{}", "/api/dashboards/db": "{}", "/api/ds/query": `{"results":{"A":{}}}`,
					"/render/d-solo/one": string(picture),
				}
				answer, other := tc.answers[r.URL.Path]
				if !other {
					answer = good[r.URL.Path]
				}
				if answer == "" {
					w.WriteHeader(http.StatusInternalServerError)
				}
				_, _ = w.Write([]byte(answer))
			}))
			defer server.Close()
			g := grafana{url: server.URL, out: t.TempDir()}
			err := g.check(t.Context(), folder(t))
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if pictures, _ := filepath.Glob(filepath.Join(g.out, "one-*.png")); tc.want == "" && len(pictures) != 2 {
				t.Errorf("%d pictures, want one for each panel", len(pictures))
			}
		})
	}
}

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	target := []map[string]any{{"refId": "A", "expr": `up{job=~"$job"}`}}
	raw, err := json.Marshal(map[string]any{"uid": "one", "title": "One", "panels": []map[string]any{
		{"id": 1, "type": "stat", "title": "First", "targets": target},
		{"id": 2, "type": "row", "title": "Row", "panels": []map[string]any{{"id": 3, "type": "timeseries", "title": "In a row", "targets": target}}},
	}})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "one.json"), raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
