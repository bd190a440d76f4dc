package monitors_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/kubernetes"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/discovery/monitors"
	"github.com/outrider-dev/outrider/sidecars"
)

var options = monitors.Options{
	Defaults:     map[string]any{"scrape_interval": "30s", "sample_limit": float64(100000), "body_size_limit": "64MB"},
	Secrets:      map[string]string{"shop/api-login": "copy-of-api-login"},
	ReservedJobs: sidecars.ReservedJobs(),
}

func read(t *testing.T, file string) (objects []monitors.Object) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(raw), "\n---\n") {
		var o monitors.Object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	return objects
}

// load has Prometheus' own loaders read the files, from the folders where they would be.
func load(t *testing.T, r monitors.Result) (jobs []*config.ScrapeConfig, groups []rulefmt.RuleGroup) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range r.Files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	main := filepath.Join(folder, "prometheus.yml")
	if err := os.WriteFile(main, []byte("scrape_config_files: [scrape*.yaml, shard-0-*.yaml]\nrule_files: [rules.yaml]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := config.LoadFile(main, false, promslog.NewNopLogger())
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Files)
	}
	if jobs, err = loaded.GetScrapeConfigs(); err != nil {
		t.Fatalf("%v\n%s", err, r.Files)
	}
	if text, ok := r.Files["rules.yaml"]; ok {
		parsed, errs := rulefmt.Parse([]byte(text), false, model.UTF8Validation, parser.NewParser(parser.Options{}), promslog.NewNopLogger())
		if len(errs) > 0 {
			t.Fatalf("%v\n%s", errs, text)
		}
		groups = parsed.Groups
	}
	return jobs, groups
}

func loadedRules(groups []rulefmt.RuleGroup) (n int) {
	for _, g := range groups {
		n += len(g.Rules)
	}
	return n
}

// Everything of the usual shapes is followed, in whatever order the objects come.
func TestUsualShapes(t *testing.T) {
	objects := read(t, "monitors.yaml")
	r := monitors.Translate(objects, options)
	for _, p := range r.Problems {
		t.Error(p)
	}
	jobs, groups := load(t, r)
	var names []string
	for _, job := range jobs {
		names = append(names, job.JobName)
	}
	want := []string{
		"podMonitor/infra/agents/0", "podMonitor/infra/agents/1", "podMonitor/infra/agents/2", "probe/shop/sites",
		"serviceMonitor/infra/everywhere/0", "serviceMonitor/ingress/two-endpoints-of-other-namespaces/0", "serviceMonitor/ingress/two-endpoints-of-other-namespaces/1",
		"serviceMonitor/shop/by-port-name/0", "serviceMonitor/shop/with-a-login/0", "serviceMonitor/shop/with-a-login/1", "serviceMonitor/shop/with-a-login/2",
	}
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if n := loadedRules(groups); n != 3 || groups[0].Name != "shop/shop/shop.rules" {
		t.Errorf("%d rules in %v", n, groups)
	}
	for range 5 {
		rand.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
		if diff := cmp.Diff(r, monitors.Translate(objects, options)); diff != "" {
			t.Fatalf("in another order (-was +is):\n%s", diff)
		}
	}
}

// An object may lower the limits of the stack, and not raise them; copies of Secrets are referred to as files.
func TestJobFields(t *testing.T) {
	jobs, _ := load(t, monitors.Translate(read(t, "monitors.yaml"), options))
	for _, job := range jobs {
		switch job.JobName {
		case "serviceMonitor/ingress/two-endpoints-of-other-namespaces/0", "serviceMonitor/ingress/two-endpoints-of-other-namespaces/1":
			if job.SampleLimit != 5000 || job.BodySizeLimit != 10<<20 {
				t.Errorf("its own limits, got %d and %d", job.SampleLimit, job.BodySizeLimit)
			}
		case "serviceMonitor/shop/with-a-login/0":
			if a := job.HTTPClientConfig.BasicAuth; a == nil || a.UsernameFile != "/etc/prometheus-secrets/copy-of-api-login/user" || a.PasswordFile != "/etc/prometheus-secrets/copy-of-api-login/password" {
				t.Errorf("basic_auth %+v", a)
			}
		default:
			if job.SampleLimit != 100000 || job.BodySizeLimit != 64<<20 {
				t.Errorf("%s: %d, %d", job.JobName, job.SampleLimit, job.BodySizeLimit)
			}
		}
	}
	raised := monitors.Object{Kind: "PodMonitor"}
	raised.Spec.SampleLimit, raised.Spec.BodySizeLimit = 1e9, "1TB"
	raised.Spec.PodEndpoints = append(raised.Spec.PodEndpoints, read(t, "monitors.yaml")[0].Spec.ServiceEndpoints[0])
	jobs, _ = load(t, monitors.Translate([]monitors.Object{raised}, options))
	if jobs[0].SampleLimit != 100000 || jobs[0].BodySizeLimit != 64<<20 {
		t.Errorf("limits were raised: %d, %d", jobs[0].SampleLimit, jobs[0].BodySizeLimit)
	}
}

// What cannot be followed is named by object and field, and costs nothing else; what is left loads.
func TestRefused(t *testing.T) {
	for _, o := range read(t, "refused.yaml") {
		t.Run(o.Metadata.Name, func(t *testing.T) {
			r := monitors.Translate([]monitors.Object{o}, options)
			var fields []string
			for _, p := range r.Problems {
				fields = append(fields, p.Field)
			}
			jobs, groups := load(t, r)
			all := len(o.Spec.ServiceEndpoints) + len(o.Spec.PodEndpoints)
			for _, g := range o.Spec.Groups {
				all += len(g.Rules)
			}
			if o.Kind == "Probe" {
				all = 1
			}
			slices.Sort(fields)
			counts, named, _ := strings.Cut(o.Metadata.Annotations["want"], ": ")
			want := strings.Fields(named)
			slices.Sort(want)
			got := fmt.Sprintf("%d of %d", len(jobs)+loadedRules(groups), all)
			if diff := cmp.Diff(append([]string{counts}, want...), append([]string{got}, fields...)); diff != "" {
				t.Errorf("(-want +got):\n%s%v", diff, r.Problems)
			}
			if len(r.Problems) > 0 && strings.Contains(fmt.Sprint(r.Problems), "user:word") {
				t.Error("a password is repeated")
			}
		})
	}
}

// The oldest objects have room, a new one is reported.
func TestRoom(t *testing.T) {
	var objects []monitors.Object
	for i, o := range read(t, "monitors.yaml")[:3] {
		o.Metadata.CreationTimestamp.Time = o.Metadata.CreationTimestamp.AddDate(0, 0, -i)
		objects = append(objects, o)
	}
	all := monitors.Translate(objects, options)
	small := options
	small.MostBytes = len(all.Files["scrape.yaml"]) * 9 / 10
	r := monitors.Translate(objects, small)
	if len(r.Problems) != 1 || r.Problems[0].Name != "by-port-name" || r.Followed["ServiceMonitor"] != 2 {
		t.Errorf("followed %v, problems %v", r.Followed, r.Problems)
	}
	if n := len(r.Files["scrape.yaml"]); n > small.MostBytes {
		t.Errorf("%d bytes, want at most %d", n, small.MostBytes)
	}
	load(t, r)
}

// Each shard has every job, and keeps its part.
func TestShards(t *testing.T) {
	sharded := options
	sharded.Shards = 2
	r := monitors.Translate(read(t, "monitors.yaml"), sharded)
	if len(r.Files) != 3 {
		t.Errorf("%d files, want two of shards and the rules", len(r.Files))
	}
	jobs, _ := load(t, r)
	for _, job := range jobs {
		if rule := job.RelabelConfigs[1]; rule.Action != "keep" || rule.Regex.String() != "0" {
			t.Errorf("%s keeps %s %s", job.JobName, rule.Action, rule.Regex)
		}
	}
}

// FuzzTranslate changes values of the usual shapes at random: what is left is always loaded.
func FuzzTranslate(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join("testdata", "monitors.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	var documents []any
	for document := range strings.SplitSeq(string(raw), "\n---\n") {
		var o any
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			f.Fatal(err)
		}
		documents = append(documents, o)
	}
	for i := range documents {
		f.Add(int64(i), "x")
		f.Add(int64(i), "{{ $value }}")
		f.Add(int64(i), "")
		f.Add(int64(i), "${1}:é(")
		f.Add(int64(i), "5m")
		f.Add(int64(i), "\x00\n- a: b")
	}
	f.Fuzz(func(t *testing.T, seed int64, text string) {
		text = strings.ToValidUTF8(text, "?") // as the API server has it
		random := rand.New(rand.NewSource(seed))
		var objects []monitors.Object
		for _, d := range documents {
			encoded, err := json.Marshal(changed(d, random, text))
			if err != nil {
				t.Fatal(err)
			}
			var o monitors.Object
			if json.Unmarshal(encoded, &o) == nil {
				objects = append(objects, o)
			}
		}
		load(t, monitors.Translate(objects, options))
	})
}

// changed is a copy of which some strings are another one, and some keys are missing.
func changed(value any, random *rand.Rand, text string) any {
	switch v := value.(type) {
	case map[string]any:
		made := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if key == "metadata" || key == "kind" || random.Intn(20) > 0 {
				made[key] = v[key]
			}
			if _, kept := made[key]; kept && key != "metadata" && key != "kind" {
				made[key] = changed(v[key], random, text)
			}
		}
		if len(made) > 0 && random.Intn(20) == 0 {
			made[text] = text
		}
		return made
	case []any:
		var made []any
		for _, item := range v {
			made = append(made, changed(item, random, text))
		}
		return made
	case string:
		if random.Intn(10) == 0 {
			return text
		}
	}
	return value
}
