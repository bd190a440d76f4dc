package charts_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/promql/parser"
	"helm.sh/helm/v3/pkg/release"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// promtoolAsks is set where this binary stands in for promtool: it hands the query to that address.
const promtoolAsks = "PROMTOOL_ASKS"

func TestMain(m *testing.M) {
	if server := os.Getenv(promtoolAsks); server != "" {
		os.Exit(promtool(server, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// promtool is "promtool query instant [flags] SERVER QUERY".
func promtool(server string, args []string) int {
	if len(args) < 4 || args[0] != "query" || args[1] != "instant" {
		fmt.Fprintf(os.Stderr, "arguments %q\n", args)
		return 2
	}
	response, err := http.Get(server + "?query=" + url.QueryEscape(args[len(args)-1]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer response.Body.Close()
	_, _ = io.Copy(os.Stdout, response.Body)
	if response.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}

// hooksAt are the hooks of one moment.
func hooksAt(r *release.Release, event release.HookEvent) []*release.Hook {
	return slices.DeleteFunc(slices.Clone(r.Hooks), func(h *release.Hook) bool { return !slices.Contains(h.Events, event) })
}

// The Leases that the controller made go with the release: Helm deletes each to create the hook, and then the hook.
func TestLeasesGoWithTheRelease(t *testing.T) {
	hooks := hooksAt(render(t, nil, latest), release.HookPostDelete)
	var leases []string
	for _, h := range hooks {
		leases = append(leases, h.Kind+"/"+h.Name)
		want := []release.HookDeletePolicy{release.HookBeforeHookCreation, release.HookSucceeded}
		if diff := cmp.Diff(want, h.DeletePolicies); diff != "" {
			t.Errorf("%s (-want +got):\n%s", h.Name, diff)
		}
	}
	slices.Sort(leases)
	if diff := cmp.Diff([]string{"Lease/outrider-leader", "Lease/outrider-webhook-tls"}, leases); diff != "" {
		t.Errorf("hooks after the deletion (-want +got):\n%s", diff)
	}
}

// testPod is the hook of "helm test".
func testPod(t *testing.T, values map[string]any) *corev1.Pod {
	t.Helper()
	r := render(t, values, latest)
	hooks := hooksAt(r, release.HookTest)
	if len(hooks) != 1 {
		t.Fatalf("%d hooks, want one", len(hooks))
	}
	o, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(hooks[0].Manifest), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o.(*corev1.Pod)
}

// helmTest runs the script of the pod against a Prometheus that has these answers, by a part of the query, and returns
// what the script says.
func helmTest(t *testing.T, answers map[string]string) (string, error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query().Get("query")
		if _, err := parser.NewParser(parser.Options{}).ParseExpr(query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		for part, answer := range answers {
			if strings.Contains(query, part) {
				fmt.Fprintln(w, answer)
			}
		}
	}))
	t.Cleanup(server.Close)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(self, filepath.Join(folder, "promtool")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c"}, testPod(t, nil).Spec.Containers[0].Args...)...)
	cmd.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), promtoolAsks+"="+server.URL, "TRIES=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Each question has an answer only where something is wrong. That the questions are the right ones is seen on the real
// cluster.
func TestHelmTest(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		want    string
		fails   bool
	}{
		"nothing is wrong":  {nil, "Every component is scraped", false},
		"a component gone":  {map[string]string{`absent(up{job="alertmanager"} == 1)`: "{} => 1"}, "No target of job alertmanager is up.", true},
		"a replica down":    {map[string]string{`up{job=~"outrider-controller|outrider-webhook|prometheus|alertmanager|kube-state-metrics|node-exporter"} == 0`: `up{instance="b"} => 0`}, "are down:\nup{instance=\"b\"} => 0", true},
		"no exporter is up": {map[string]string{`up{container=~"outrider-.+"} unless`: `up{job="redis"} => 0`}, "none of these is up:\nup{job=\"redis\"} => 0", true},
		"an empty exporter": {map[string]string{`scrape_samples_scraped{container=~"outrider-.+"} unless`: `{job="redis"} => 0`}, "none of these has a metric:\n{job=\"redis\"} => 0", true},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := helmTest(t, c.answers)
			if !strings.Contains(out, c.want) || (err != nil) != c.fails {
				t.Errorf("says %q, %v; want %q", out, err, c.want)
			}
		})
	}
}

// Only a server that is ours can be asked, and the pod that asks is restricted as well.
func TestHelmTestPod(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"operator": {"discovery": map[string]any{"mode": "operator"}},
		"none":     {"discovery": map[string]any{"mode": "none"}},
		"agent":    server(map[string]any{"mode": "agent", "remoteWrite": []any{map[string]any{"url": "https://store.example/write"}}}),
	} {
		if hooks := hooksAt(render(t, values, latest), release.HookTest); len(hooks) != 0 {
			t.Errorf("%s: there is a test of a Prometheus that cannot be asked", name)
		}
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	web := map[string]any{"configSecret": "web", "scheme": "https", "user": "outrider"}
	for _, values := range []map[string]any{nil, server(map[string]any{"web": web})} {
		pod := testPod(t, values)
		for _, r := range evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec) {
			if !r.Allowed {
				t.Errorf("%s: %s", r.ForbiddenReason, r.ForbiddenDetail)
			}
		}
		script := pod.Spec.Containers[0].Args[0]
		if login := strings.Contains(script, "password_file: /etc/prometheus-web/password") && strings.Contains(script, "insecure_skip_verify: true"); login != (values != nil) {
			t.Errorf("it logs in: %v\n%s", login, script)
		}
	}
}
