package sidecars_test

import (
	"strings"
	"testing"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/sidecars/v1alpha1"
)

// What exporters were seen to say, and what it means.
func TestDiagnose(t *testing.T) {
	c := sidecars.Builtin()
	const refused = "dial tcp 127.0.0.1:1: connect: connection refused"
	for name, tc := range map[string]struct{ exporter, said, want string }{
		"redis, wrong password":    {"redis", "WRONGPASS invalid username-password pair or user is disabled.", "authentication failed"},
		"redis, no password":       {"redis", "NOAUTH Authentication required.", "authentication failed"},
		"redis, closed port":       {"redis", refused, "nothing listens on the port"},
		"redis, TLS":               {"redis", "dial rediss: unknown network rediss", "no TLS connection"},
		"nginx, closed port":       {"nginx", `msg="error getting stats" error="failed to get http://127.0.0.1:1/stub_status: Get \"http://127.0.0.1:1/stub_status\": round trip failed: ` + refused + `"`, "nothing listens on the port"},
		"nginx, no stub_status":    {"nginx", `msg="error getting stats" error="expected 200 response, got 404"`, "stub_status is missing"},
		"nginx, another page":      {"nginx", `failed to parse response body "<html>": failed to scan template metrics: input does not match format`, "stub_status is missing"},
		"postgres, closed port":    {"postgres", `msg="Error opening connection to database" err="error querying postgresql version: ` + refused + `"`, "nothing listens on the port"},
		"postgres, wrong password": {"postgres", `pq: password authentication failed for user "postgres"`, "authentication failed"},
		"postgres, pg_hba":         {"postgres", `pq: no pg_hba.conf entry for host "127.0.0.1"`, "the server does not let the exporter in"},
		"mysql, closed port":       {"mysql", `msg="Error opening connection to database" err="` + refused + `"`, "nothing listens on the port"},
		"mysql, wrong password":    {"mysql", `Error 1045 (28000): Access denied for user 'root'@'127.0.0.1' (using password: YES)`, "authentication failed"},
		"mysql, privilege":         {"mysql", "Error 1227 (42000): Access denied; you need (at least one of) the PROCESS privilege(s) for this operation", "the account may see too little"},
		"memcached, closed port":   {"memcached", `msg="Failed to collect stats from memcached" err="` + refused + `"`, "nothing listens on the port"},
		"pgbouncer, closed port":   {"pgbouncer", `err="error pinging pgbouncer: ` + refused + `"`, "nothing listens on the port"},
		"pgbouncer, parameter":     {"pgbouncer", "pq: unsupported startup parameter: extra_float_digits", "a startup parameter is refused"},
		"mongodb, closed port":     {"mongodb", "cannot connect to MongoDB: server selection error: server selection timeout, current topology: { Type: Single, Servers: [{ Addr: 127.0.0.1:1, Type: Unknown, Last error: " + refused + " }, ] }", "nothing listens on the port"},
		"elasticsearch, closed":    {"elasticsearch", `msg="failed to get cluster info" err="Get \"http://127.0.0.1:1/\": ` + refused + `"`, "nothing listens on the port"},
		"elasticsearch, password":  {"elasticsearch", "HTTP Request failed with code 401", "authentication failed"},
		"what was said last":       {"nginx", refused + "\nexpected 200 response, got 404", "stub_status is missing"},
		"the other way round":      {"nginx", "expected 200 response, got 404\n" + refused, "nothing listens on the port"},
		"long ago":                 {"nginx", refused + strings.Repeat("\nall is well", 1000), ""},
		"nothing known":            {"nginx", "something else", ""},
		"nothing said":             {"nginx", "", ""},
		"nobody":                   {"nobody", refused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := c.Diagnose(tc.exporter, tc.said); got.Cause != tc.want || ok != (tc.want != "") {
				t.Errorf("cause %q, want %q", got.Cause, tc.want)
			}
		})
	}
}

// A definition that gives pods the same makes none of them stale.
func TestDefinitionIsOfWhatPodsGet(t *testing.T) {
	hash := func(change func(*v1alpha1.ExporterSpec)) string {
		t.Helper()
		e := v1alpha1.Exporter{}
		e.Name = "redis"
		e.Spec, _ = sidecars.Builtin().Spec("redis")
		change(&e.Spec)
		c, err := sidecars.Catalog{}.With(e)
		if err != nil {
			t.Fatal(err)
		}
		h := c.Definition("redis")
		if h == "" {
			t.Fatal("no definition")
		}
		return h
	}
	as := hash(func(*v1alpha1.ExporterSpec) {})
	for name, change := range map[string]func(*v1alpha1.ExporterSpec){
		"recognition": func(s *v1alpha1.ExporterSpec) { s.Recognize.Images = []string{"dragonfly"} },
		"metric":      func(s *v1alpha1.ExporterSpec) { s.UpMetric = "up" },
		"diagnosis":   func(s *v1alpha1.ExporterSpec) { s.Diagnosis = v1alpha1.Diagnosis{} },
	} {
		if hash(change) != as {
			t.Errorf("another %s is another definition", name)
		}
	}
	if hash(func(s *v1alpha1.ExporterSpec) { s.Image = "x/y:1" }) == as {
		t.Error("another image is the same definition")
	}
}
