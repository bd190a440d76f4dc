package monitors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Options are what the translation depends on besides the objects.
type Options struct {
	// Defaults are fields that each scrape job begins with, as Prometheus names them: limits, which an object may lower and not
	// raise, and scrape_interval, with which timeouts are compared. Required: scrape_interval.
	Defaults map[string]any
	// Shards is into how many parts targets are divided. Default 1.
	Shards int
	// Secrets are the copies of Secrets that are mounted into Prometheus: NAMESPACE/NAME of the original, and the name of the
	// folder in /etc/prometheus-secrets.
	Secrets map[string]string
	// ReservedJobs is the regular expression of jobs that no target may have. Empty reserves none.
	ReservedJobs string
	// MostBytes is how large the files are together. Default 900 KiB.
	MostBytes int
}

const defaultMostBytes = 900 << 10

// Problem is something of an object that is not followed.
type Problem struct {
	Kind, Namespace, Name string
	// Field is the path of the field, such as spec.endpoints[0].basicAuth.
	Field string
	// Message is a sentence with the value, what becomes of it, and the way out.
	Message string
}

// String names the object and the field.
func (p Problem) String() string {
	return fmt.Sprintf("%s %s/%s: %s: %s", p.Kind, p.Namespace, p.Name, p.Field, p.Message)
}

// Result is what Prometheus loads, and what it does not.
type Result struct {
	// Files are file names and their contents: scrape.yaml, or shard-N-monitors.yaml for each of several shards, and rules.yaml.
	// A file without entries is missing.
	Files map[string]string
	// Problems are in the order of the objects.
	Problems []Problem
	// Followed counts, by kind, the objects of which at least one job or rule is loaded.
	Followed map[string]int
}

// translation collects what one object becomes.
type translation struct {
	o        *Object
	options  Options
	jobs     []map[string]any
	groups   []map[string]any
	problems []Problem
	skip     bool // whether what is being made is left out
}

// problem records that a field is not followed, and has what is being made left out.
func (t *translation) problem(field, format string, args ...any) {
	t.skip = true
	t.ignored(field, format, args...)
}

// ignored records that what is being made lacks a field.
func (t *translation) ignored(field, format string, args ...any) {
	t.problems = append(t.problems, Problem{
		Kind: t.o.Kind, Namespace: t.o.Metadata.Namespace, Name: t.o.Metadata.Name, Field: field, Message: fmt.Sprintf(format, args...),
	})
}

// Translate returns the files for the objects. The same objects, in whatever order, give the same files.
func Translate(objects []Object, options Options) Result {
	if options.MostBytes == 0 {
		options.MostBytes = defaultMostBytes
	}
	options.Shards = max(options.Shards, 1)
	objects = slices.SortedFunc(slices.Values(objects), older)
	result := Result{Files: map[string]string{}, Followed: map[string]int{}}
	room := options.MostBytes
	var kept []*translation
	for i := range objects {
		t := &translation{o: &objects[i], options: options}
		t.translate()
		size := t.size()
		if size > room {
			t.problem("spec", "it makes %d bytes, and %d of %d are left in the ConfigMap of all monitors; select fewer namespaces, or move its rules to rules.extra", size, room, options.MostBytes)
			t.jobs, t.groups = nil, nil
			size = 0
		}
		room -= size
		if len(t.jobs)+len(t.groups) > 0 {
			result.Followed[t.o.Kind]++
		}
		kept = append(kept, t)
	}
	slices.SortStableFunc(kept, func(a, b *translation) int { return strings.Compare(a.name(), b.name()) })
	var jobs, groups []map[string]any
	for _, t := range kept {
		jobs, groups = append(jobs, t.jobs...), append(groups, t.groups...)
		result.Problems = append(result.Problems, t.problems...)
	}
	result.write(jobs, groups, options.Shards)
	return result
}

// older is the order in which objects have room.
func older(a, b Object) int {
	return cmp.Or(a.Metadata.CreationTimestamp.Compare(b.Metadata.CreationTimestamp.Time), strings.Compare(a.name(), b.name()))
}

func (o *Object) name() string { return o.Kind + "/" + o.Metadata.Namespace + "/" + o.Metadata.Name }

func (t *translation) name() string { return t.o.name() }

func (t *translation) translate() {
	switch t.o.Kind {
	case "ServiceMonitor":
		for i, e := range t.o.Spec.ServiceEndpoints {
			t.endpoint(i, fmt.Sprintf("spec.endpoints[%d]", i), e, service)
		}
	case "PodMonitor":
		for i, e := range t.o.Spec.PodEndpoints {
			t.endpoint(i, fmt.Sprintf("spec.podMetricsEndpoints[%d]", i), e, pod)
		}
	case "Probe":
		t.probe()
	case "PrometheusRule":
		t.rules()
	}
}

// size is how many bytes the object's part of the files has.
func (t *translation) size() (n int) {
	for _, job := range t.jobs {
		n += t.options.Shards * len(marshal(job))
	}
	for _, g := range t.groups {
		n += len(marshal(g))
	}
	const indentation = 20 // per cent: entries are deeper in their file
	return n + n*indentation/100
}

// marshal writes data that is made here, which always can be written.
func marshal(data any) []byte {
	text, err := yaml.Marshal(data)
	if err != nil {
		panic(err)
	}
	return text
}

func (r *Result) write(jobs, groups []map[string]any, shards int) {
	if len(groups) > 0 {
		r.Files["rules.yaml"] = string(marshal(map[string]any{"groups": groups}))
	}
	if len(jobs) == 0 {
		return
	}
	if shards == 1 {
		r.Files["scrape.yaml"] = string(marshal(map[string]any{"scrape_configs": jobs}))
		return
	}
	for shard := range shards {
		var own []map[string]any
		for _, job := range jobs {
			own = append(own, sharded(job, shards, shard))
		}
		r.Files[fmt.Sprintf("shard-%d-monitors.yaml", shard)] = string(marshal(map[string]any{"scrape_configs": own}))
	}
}

// sharded is the job of one shard, which keeps its part of the targets before the job's own rules.
func sharded(job map[string]any, shards, shard int) map[string]any {
	own := map[string]any{}
	for key, value := range job {
		own[key] = value
	}
	by := "__address__"
	if strings.HasPrefix(job["job_name"].(string), "podMonitor/") {
		by = "__meta_kubernetes_pod_uid" // as the stack's own jobs: a pod's targets stay together
	}
	rules, _ := job["relabel_configs"].([]map[string]any)
	own["relabel_configs"] = append([]map[string]any{
		{"source_labels": []string{by}, "modulus": shards, "target_label": "__tmp_shard", "action": "hashmod"},
		{"source_labels": []string{"__tmp_shard"}, "regex": fmt.Sprint(shard), "action": "keep"},
	}, rules...)
	return own
}
