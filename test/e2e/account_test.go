package e2e_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/test/cluster/kube"
	"github.com/outrider-dev/outrider/test/corpus"
)

// granted are the cases of the corpus whose exporter logs in as the administrator, their workload, and what a session of
// the new account is refused, with the password on its standard input.
var granted = []struct{ name, workload, exporter, refused string }{
	{"postgres", "statefulset/db", "postgres", `read -r P; PGPASSWORD=$P psql -X -h 127.0.0.1 -U outrider -d postgres -c 'CREATE TABLE mine (a int)' 2>&1`},
	{"mariadb", "statefulset/db", "mysql", `read -r P; MYSQL_PWD=$P mariadb -h 127.0.0.1 -u outrider -e 'CREATE DATABASE mine' 2>&1`},
	{"redis-password", "deployment/cache", "redis", `read -r P; REDISCLI_AUTH=$P redis-cli --user outrider SET mine 1 2>&1`},
}

// testGrant gives exporters an account of their own in place of the administrator's, and takes it away again: the new pod
// serves all that rules and dashboards ask for and the one before served, and nobody is a superuser any more.
func testGrant(t *testing.T, e *env) {
	outrider := e.cli(t)
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range granted {
		t.Run(g.exporter, func(t *testing.T) {
			c := cases[slices.IndexFunc(cases, func(c corpus.Case) bool { return c.Name == g.name })]
			ns := "corpus-" + g.name
			_, app, _ := strings.Cut(g.workload, "/")
			e.apply(t, c.YAML)
			e.settle(t, ns)
			e.isUp(t, ns, c.Up[0])
			e.superusers(t, ns, g.exporter, 1)
			before := e.essential(t, ns, e.podOf(t, ns, app), g.exporter)
			if len(before) == 0 {
				t.Fatal("none of the names of rules and dashboards is served")
			}

			var said strings.Builder
			for range 2 { // again: it makes the account of a server that came back empty
				eventually(t, func() string { // a pod without a readiness probe is ready before its server answers
					out, on, code := outrider("grant", g.workload, "-n", ns)
					said.WriteString(out + on)
					if code != 0 {
						return on
					}
					return ""
				})
			}
			e.settle(t, ns)
			e.isUp(t, ns, c.Up[0])
			pod := e.podOf(t, ns, app)
			eventually(t, func() string {
				after := e.essential(t, ns, pod, g.exporter)
				if lost := slices.DeleteFunc(slices.Clone(before), func(name string) bool { return slices.Contains(after, name) }); len(lost) > 0 {
					return fmt.Sprintf("the administrator's exporter served %v, too", lost)
				}
				return ""
			})
			e.superusers(t, ns, g.exporter, 0)
			password := e.granted(t, ns, pod, g.refused)
			e.isNowhere(t, ns, password, said.String())
			say(t, "%s: the account that grant makes serves all %d names that rules and dashboards ask for", g.exporter, len(before))

			if _, _, code := outrider("revoke", g.workload, "-n", ns); code != 0 {
				t.Fatalf("revoke: exit code %d", code)
			}
			e.superusers(t, ns, g.exporter, 1)
			if list, err := e.client.CoreV1().Secrets(ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=outrider"}); err != nil || len(list.Items) > 0 {
				t.Errorf("after revoke there are %d Secrets of grant's, %v", len(list.Items), err)
			}
		})
	}
}

// superusers waits until so many pods of the namespace are reported to have an exporter that logs in as a superuser.
func (e *env) superusers(t *testing.T, ns, exporter string, want float64) {
	t.Helper()
	query := fmt.Sprintf(`sum(outrider_coverage_superusers{namespace=%q,exporter=%q}) or vector(0)`, ns, exporter)
	eventually(t, func() string {
		v, err := e.prom.Query(t.Context(), query)
		if err != nil || len(v) != 1 || float64(v[0].Value) != want {
			return fmt.Sprintf("%s is %v, %v, want %v", query, v, err, want)
		}
		return ""
	})
}

// essential are the names of rules and dashboards that a pod's exporter serves now.
func (e *env) essential(t *testing.T, ns, pod, exporter string) (names []string) {
	t.Helper()
	query := fmt.Sprintf(`count by (__name__) ({namespace=%q,pod=%q,__name__=~"%s"})`, ns, pod, strings.Join(discovery.Essential()[exporter], "|"))
	v, err := e.prom.Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range v {
		names = append(names, string(s.Metric["__name__"]))
	}
	return names
}

// granted returns the account's password, with which a session that would write is refused.
func (e *env) granted(t *testing.T, ns, pod, refused string) string {
	t.Helper()
	secrets, err := e.client.CoreV1().Secrets(ns).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=outrider"})
	if err != nil || len(secrets.Items) != 1 {
		t.Fatalf("grant made %d Secrets, %v, want one", len(secrets.Items), err)
	}
	password := string(secrets.Items[0].Data["password"])
	kubectl, err := kube.Kubectl(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", e.cluster.Kubeconfig, "-n", ns, "exec", "-i", pod, "--", "sh", "-c", refused)
	session.Stdin = strings.NewReader(password + "\n")
	out, err := session.CombinedOutput()
	if !refusal.Match(out) {
		t.Errorf("a session that writes is not refused: %s, %v", out, err)
	}
	return password
}

var refusal = regexp.MustCompile("read-only|permission denied|Access denied|NOPERM")

// isNowhere fails the test if a password is in the namespace's objects or logs, Outrider's logs, or what was said.
func (e *env) isNowhere(t *testing.T, ns, password, said string) {
	t.Helper()
	places := map[string]string{"the output of grant": said}
	for place, args := range map[string][]string{
		"an object of the namespace": {"-n", ns, "get", "pods,events,deployments,statefulsets,replicasets,configmaps", "-o", "json"},
		"the namespace's logs":       {"-n", ns, "logs", "-l", "app", "--all-containers", "--tail=-1"},
		"Outrider's logs":            {"-n", "outrider", "logs", "-l", "app.kubernetes.io/name=outrider", "--all-containers", "--tail=-1", "--max-log-requests=99"},
	} {
		out, err := e.cluster.Kubectl(t.Context(), args...)
		if err != nil {
			t.Fatal(err)
		}
		places[place] = out
	}
	for place, content := range places {
		if content == "" {
			t.Errorf("%s: nothing was looked at", place)
		}
		if strings.Contains(content, password) {
			t.Errorf("the password is in %s", place)
		}
	}
}
