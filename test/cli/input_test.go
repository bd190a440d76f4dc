package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const annotated = "apiVersion: v1\nkind: Pod\nmetadata: {name: cache, annotations: {outrider.dev/inject: redis}}\nspec: {containers: [{name: redis, image: 'redis:7'}]}\n"

// TestJSON holds that JSON stays JSON, object for object.
func TestJSON(t *testing.T) {
	one := `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {"outrider.dev/inject": "redis"}}, "spec": {"containers": [{"name": "redis", "image": "redis:7"}]}}`
	got := run(t, one+"\n"+one+`{"kind": "ConfigMap", "data": {"a": "\/"}}`, "inject")
	decoder := json.NewDecoder(strings.NewReader(got.out))
	var kinds []string
	for decoder.More() {
		var o struct {
			Kind string
			Spec struct{ Containers []any }
		}
		if err := decoder.Decode(&o); err != nil {
			t.Fatalf("%v in %s", err, got.out)
		}
		kinds = append(kinds, o.Kind)
		if o.Kind == "Pod" && len(o.Spec.Containers) != 2 {
			t.Errorf("%d containers", len(o.Spec.Containers))
		}
	}
	if strings.Join(kinds, " ") != "Pod Pod ConfigMap" || !strings.HasSuffix(got.out, `{"kind": "ConfigMap", "data": {"a": "\/"}}`) {
		t.Errorf("%v: %s", kinds, got.out)
	}
}

// TestMistakes holds that keys where they have no effect are reported with what
// to write, and that --strict fails.
func TestMistakes(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"on the workload":        {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, annotations: {outrider.dev/inject: redis}}\nspec: {template: {spec: {containers: [{name: a}]}}}\n", "Deployment a (-, document 1): outrider.dev/inject has no effect here; move it to spec.template.metadata.annotations"},
		"on a Rollout":           {"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a, annotations: {redis.outrider.dev/port: '1'}}\nspec: {template: {spec: {containers: [{name: a}]}}}\n", "redis.outrider.dev/port has no effect here; move it to spec.template.metadata.annotations"},
		"on a CronJob":           {"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a, annotations: {outrider.dev/scrape: '80'}}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a}]}}}}}\n", "move it to spec.jobTemplate.spec.template.metadata.annotations"},
		"a workload's label":     {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: {outrider.dev/inject: redis}}\nspec: {template: {spec: {containers: [{name: a}]}}}\n", "outrider.dev/inject has no effect in metadata.labels; write it as an annotation, in spec.template.metadata.annotations"},
		"a template's label":     {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {labels: {outrider.dev/inject: redis}}, spec: {containers: [{name: a}]}}}\n", "outrider.dev/inject has no effect in spec.template.metadata.labels; write it as an annotation"},
		"a pod's label":          {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {outrider.dev/scrape: '8080'}}\nspec: {containers: [{name: a}]}\n", "outrider.dev/scrape has no effect in metadata.labels; write it as an annotation, in metadata.annotations"},
		"a Service":              {"apiVersion: v1\nkind: Service\nmetadata: {name: a, annotations: {outrider.dev/scrape: '8080'}}\n", "Service a (-, document 1): outrider.dev/scrape has no effect on a Service; write it as an annotation of the pod"},
		"a namespace annotation": {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, annotations: {outrider.dev/inject: enabled}}\n", "write it as a label of the namespace: labels: {outrider.dev/inject: enabled}"},
		"a namespace's true":     {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {outrider.dev/inject: 'true'}}\n", `outrider.dev/inject: "true" has no effect on a namespace; write enabled`},
		"a namespace's Enabled":  {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {outrider.dev/inject: Enabled}}\n", `outrider.dev/inject: "Enabled" has no effect on a namespace; write enabled`},
		"a namespace's redis":    {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {outrider.dev/inject: redis}}\n", "a pod names its exporter itself, with an annotation"},
		"a namespace's enforce":  {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {outrider.dev/enforce: block}}\n", `outrider.dev/enforce: "block" has no effect on a namespace; write audit, warn, deny`},
		"a namespace's deny":     {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {outrider.dev/deny: mysql}}\n", "write it as an annotation of the namespace"},
		"a pod's true":           {strings.Replace(annotated, "inject: redis", "inject: 'true'", 1), `there is no exporter "true"; write auto to have the workload recognized`},
		"a template's value":     {strings.Replace(annotated, "inject: redis", "inject: '{{ .Values.exporter }}'", 1), "it looks like a template that is not rendered"},
		"no kind":                {"metadata: {name: a, annotations: {outrider.dev/inject: redis}}\n", "outrider.dev/inject has no effect on an object without a kind; write its kind, such as kind: Pod"},
		"a nameless container":   {"apiVersion: example.com/v1\nkind: Service\nmetadata: {name: a}\nspec: {template: {metadata: {annotations: {outrider.dev/inject: redis}}, spec: {containers: [{image: 'redis:7'}]}}}\n", "Service a (-, document 1): spec.template.spec.containers has one without a name, so nothing is added to it; name it"},
		"a template of Knative":  {"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {template: {metadata: {annotations: {outrider.dev/inject: redis}}, spec: {containers: [{image: 'redis:7'}]}}}\n", `redis: the pod's owner, Service "a", is one of Knative, which takes one container with a port`},
		"a no-break space":       {"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    outrider.dev/inject:\u00a0redis\n", "has no effect: there is a U+00A0 beside it, which is no blank for YAML; write one instead"},
		"a space before the key": {strings.Replace(annotated, "outrider.dev/inject", "\u00a0outrider.dev/inject", 1), "outrider.dev/inject in line"},
		"JavaScript's comment":   {"// a pod\n{\"metadata\":{\"annotations\":{\"outrider.dev/inject\":\"redis\"}}}\n", "object without a name (-, document 1): outrider.dev/inject in line 1 has no effect: it begins with a comment that neither JSON nor YAML has; remove that"},
		"Docker Compose":         {"services:\n  cache:\n    image: redis:7\n    labels: [outrider.dev/inject=redis]\n", "outrider.dev/inject in line 4 has no effect: it is in a file for Docker Compose"},
		"a misspelled exporter":  {"apiVersion: apps.openshift.io/v1\nkind: DeploymentConfig\nmetadata: {name: a}\nspec: {template: {metadata: {annotations: {outrider.dev/inject: reddis}}, spec: {containers: [{name: a, image: redis}]}}}\n", "did you mean redis?"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, tc.source, "inject", "--strict")
			if got.code != 1 || !strings.Contains(got.err, tc.want) {
				t.Errorf("exit code %d: %s\nwant %q", got.code, got.err, tc.want)
			}
			_, sentence, found := strings.Cut(tc.want, "): ")
			if !found {
				sentence = tc.want
			}
			if got := run(t, tc.source, "explain"); got.code != 0 || !strings.Contains(got.out+got.err, sentence) {
				t.Errorf("explain: exit code %d: %s%s\nwant %q", got.code, got.out, got.err, sentence)
			}
		})
	}
	for _, bare := range []string{"spec: {}", ""} {
		if got := run(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {outrider.dev/inject: redis}}\n"+bare, "inject"); !strings.Contains(got.err, "it has no containers") {
			t.Errorf("a pod with %q: %s", bare, got.err)
		}
	}
	patch := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {metadata: {annotations: {outrider.dev/inject: redis}}}}\n"
	if got := run(t, patch, "inject", "--strict"); got.code != 0 || got.out != patch || !strings.Contains(got.err, "run inject on what kustomize build makes of it") {
		t.Errorf("a patch: exit code %d: %s%s", got.code, got.out, got.err)
	}
}

// TestAllMistakesAtOnce holds that documents which cannot be read and those with bad fields are reported together.
func TestAllMistakesAtOnce(t *testing.T) {
	source := strings.Replace(annotated, "image: 'redis:7'", "image: [redis", 1) + "---\n" + strings.Replace(annotated, "inject: redis", "inject: true", 1)
	got := run(t, source, "inject")
	for _, want := range []string{`(?m)^outrider: -:\d+: document 1: `, `(?m)^-:\d+: Pod \S+ \(document 2\): .*quote it: "true"$`} {
		if got.code != 2 || !regexp.MustCompile(want).MatchString(got.err) {
			t.Errorf("exit code %d: %s\nwant %s", got.code, got.err, want)
		}
	}
}

// TestEncodings holds that a text which is none in UTF-8 is refused where it asks
// for something, with its line and what to do.
func TestEncodings(t *testing.T) {
	wide := []byte{0xff, 0xfe}
	for _, b := range []byte(annotated) {
		wide = append(wide, b, 0)
	}
	for source, want := range map[string]string{
		string(wide):                            "-:1: document 1: it is a text in UTF-16, as > in PowerShell writes it; write it in UTF-8",
		"a: 1\n---\n" + annotated + "# caf\xe9": "-:7: document 2: it is no text in UTF-8",
	} {
		if got := run(t, source, "inject"); got.code != 2 || !strings.Contains(got.err, want) {
			t.Errorf("exit code %d: %s\nwant %q", got.code, got.err, want)
		}
	}
	if got := run(t, "a: caf\xe9\n", "inject", "--strict"); got.code != 0 || got.out != "a: caf\xe9\n" {
		t.Errorf("exit code %d: %s%s", got.code, got.out, got.err)
	}
}

// TestFlags holds that values which a cluster would refuse are refused, all of them at once.
func TestFlags(t *testing.T) {
	got := run(t, annotated, "inject", "--image-registry", "https://example.com", "--image-pull-secret", "UPPER_case", "-n", "Bad_NS", "--namespace-label", "outrider.dev/inject=enable")
	for _, want := range []string{`--image-registry "https://example.com": want a host`, `--image-pull-secret "UPPER_case": want the name of a Secret`, `--namespace "Bad_NS"`, `--namespace-label "outrider.dev/inject=enable": outrider.dev/inject: "enable" has no effect on a namespace; write enabled`} {
		if got.code != 2 || !strings.Contains(got.err, want) {
			t.Errorf("exit code %d: %s\nwant %q", got.code, got.err, want)
		}
	}
	for _, registry := range []string{"example.com", "localhost:5000", "registry.example.com:5000/mirror/a-b", "10.0.0.1/x"} {
		if got := run(t, annotated, "inject", "--image-registry", registry); got.code != 0 || !strings.Contains(got.out, registry+"/") {
			t.Errorf("%s: exit code %d: %s", registry, got.code, got.err)
		}
	}
}

// TestNames holds that it is said what to do where a name stands for no file.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "real/below"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"real/below/a.yaml", "bad.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(annotated), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("real", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		code int
		want string
	}{
		"a URL":                    {[]string{"-f", "https://example.com/a.yaml"}, 2, "curl -sSf https://example.com/a.yaml | outrider"},
		"a file without its flag":  {[]string{"a.yaml"}, 2, `unexpected argument "a.yaml"; name a file or folder with -f a.yaml`},
		"a link to a folder":       {[]string{"-f", filepath.Join(dir, "link"), "-R"}, 0, filepath.Join(dir, "link/below/a.yaml") + ", document 1): redis: "},
		"a folder of folders":      {[]string{"-f", filepath.Join(dir, "real")}, 2, "-R looks into its folders too"},
		"two files that are not":   {[]string{"-f", "nowhere.yaml", "-f", "neither.yaml"}, 2, "neither.yaml"},
		"a folder that is no file": {[]string{"-f", filepath.Join(dir, "real/below/a.yaml/b")}, 2, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, command := range []string{"inject", "uninject", "explain"} {
				got := run(t, "", append([]string{command}, tc.args...)...)
				if got.code != tc.code || tc.code > 0 && !strings.Contains(got.err, tc.want) || tc.code == 0 && command == "inject" && !strings.Contains(got.err, tc.want) {
					t.Errorf("%s: exit code %d: %s\nwant %q", command, got.code, got.err, tc.want)
				}
			}
		})
	}
}

// TestSignals holds that a signal ends the command while it reads a pipe, or
// opens one that nobody writes to.
func TestSignals(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"standard input": {"inject"}, "a FIFO": {"uninject", "-f", fifo}} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			t.Run(name+" "+signal.String(), func(t *testing.T) {
				cmd := exec.Command(binary, args...)
				open, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				defer open.Close()
				var said bytes.Buffer
				cmd.Stderr = &said
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				go func() {
					_ = cmd.Wait() // by a signal
					close(ended)
				}()
				again := time.NewTicker(50 * time.Millisecond) // it may not have come to reading yet
				defer again.Stop()
				deadline := time.After(2 * time.Minute)
				for {
					select {
					case <-ended:
						return
					case <-again.C:
						if err := cmd.Process.Signal(signal); err != nil {
							continue // it has ended
						}
					case <-deadline:
						t.Errorf("it goes on: %s", said.String())
						if err := cmd.Process.Kill(); err != nil {
							t.Error(err)
						}
						<-ended
						return
					}
				}
			})
		}
	}
}
