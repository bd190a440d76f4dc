package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// grafana is a running Grafana.
type grafana struct {
	url, prometheus, out string
	patience             time.Duration // until it answers
}

type panel struct {
	ID      int
	Type    string
	Title   string
	Targets []map[string]any
	Panels  []panel // of a collapsed row
}

type dashboard struct {
	UID    string
	Title  string
	Panels []panel
}

// await waits until Grafana answers.
func (g grafana) await(ctx context.Context) error {
	deadline := time.Now().Add(g.patience)
	for {
		_, err := g.call(ctx, http.MethodGet, "/api/health", nil)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// addSource adds Prometheus as the default data source and returns its UID.
func (g grafana) addSource(ctx context.Context) (string, error) {
	const uid = "outrider"
	_, err := g.call(ctx, http.MethodPost, "/api/datasources", map[string]any{
		"uid": uid, "name": uid, "type": "prometheus", "access": "proxy", "url": g.prometheus, "isDefault": true,
	})
	if err != nil && !strings.Contains(err.Error(), "409") { // it was added before
		return "", fmt.Errorf("add Prometheus: %w", err)
	}
	return uid, nil
}

// dashboard loads a file and looks at each of its panels. It returns how many were rendered.
func (g grafana) dashboard(ctx context.Context, file, source string) (rendered int, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var model map[string]any
	var d dashboard
	if err := errors.Join(json.Unmarshal(raw, &model), json.Unmarshal(raw, &d)); err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := g.call(ctx, http.MethodPost, "/api/dashboards/db", map[string]any{"dashboard": model, "overwrite": true}); err != nil {
		return 0, fmt.Errorf("%s: load: %w", d.Title, err)
	}
	var wrong []error
	for _, p := range flat(d.Panels) {
		err := errors.Join(g.query(ctx, p, source), g.render(ctx, d, p, source))
		if err == nil {
			rendered++
			continue
		}
		wrong = append(wrong, fmt.Errorf("%s, panel %q: %w", d.Title, p.Title, err))
	}
	return rendered, errors.Join(wrong...)
}

// flat is the panels that show something, also those in collapsed rows.
func flat(panels []panel) []panel {
	var all []panel
	for _, p := range panels {
		if p.Type != "row" {
			all = append(all, p)
		}
		all = append(all, flat(p.Panels)...)
	}
	return all
}

// query has Grafana send the panel's queries as the panel does. Variables are all of everything.
func (g grafana) query(ctx context.Context, p panel, source string) error {
	var queries []map[string]any
	for _, t := range p.Targets {
		expr, _ := t["expr"].(string)
		q := map[string]any{"datasource": map[string]any{"type": "prometheus", "uid": source}, "intervalMs": 15000, "maxDataPoints": 500, "expr": everything(expr)}
		for _, key := range []string{"refId", "instant", "range", "format"} {
			if v, ok := t[key]; ok {
				q[key] = v
			}
		}
		queries = append(queries, q)
	}
	if len(queries) == 0 {
		return nil
	}
	body, err := g.call(ctx, http.MethodPost, "/api/ds/query", map[string]any{"queries": queries, "from": "now-1h", "to": "now"})
	if err != nil {
		return err
	}
	var answer struct {
		Results map[string]struct{ Error string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	for ref, r := range answer.Results {
		if r.Error != "" {
			return fmt.Errorf("query %s: %s", ref, r.Error)
		}
	}
	return nil
}

// everything replaces the dashboard's variables as Grafana does where all of a variable is selected; it knows its own.
func everything(expr string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(expr, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name := strings.TrimLeft(after, "{")
		end := strings.IndexFunc(name, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		})
		if end < 0 {
			end = len(name)
		}
		rest := name[end:]
		if strings.HasPrefix(after, "{") {
			_, rest, _ = strings.Cut(rest, "}")
		}
		if word := name[:end]; strings.HasPrefix(word, "__") {
			out.WriteString("$" + word)
		} else {
			out.WriteString(".*")
		}
		expr = rest
	}
}

// picture begins every PNG.
var picture = []byte("\x89PNG\r\n\x1a\n")

// render has the image renderer draw the panel, and keeps the picture.
func (g grafana) render(ctx context.Context, d dashboard, p panel, source string) error {
	query := url.Values{"panelId": {fmt.Sprint(p.ID)}, "width": {"900"}, "height": {"400"}, "var-datasource": {source}, "from": {"now-1h"}, "to": {"now"}}
	body, err := g.call(ctx, http.MethodGet, "/render/d-solo/"+d.UID+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("render: %w", err)
	}
	if !bytes.HasPrefix(body, picture) {
		return fmt.Errorf("render: no picture but %.200q", body)
	}
	return os.WriteFile(filepath.Join(g.out, fmt.Sprintf("%s-%d.png", d.UID, p.ID)), body, 0o644)
}

// call asks Grafana. What is not 200 is an error with the status and the answer.
func (g grafana) call(ctx context.Context, method, path string, body any) ([]byte, error) {
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(g.url, "/")+path, in)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	out, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, response.Status, out)
	}
	return out, err
}
