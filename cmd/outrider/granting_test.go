package main

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
)

func grantingOf(exporter, image string) (*granting, *strings.Builder) {
	var out strings.Builder
	w := workload{kind: "StatefulSet", namespace: "shop", name: "db"}
	w.template.Spec.Containers = []corev1.Container{{Name: "server", Image: image}}
	return &granting{workload: w, exporter: exporter, user: "outrider", catalog: sidecars.Builtin(), out: &out}, &out
}

// TestPrint holds that a DBA is shown everything that grant does, without a password.
func TestPrint(t *testing.T) {
	for exporter, c := range map[string]struct {
		image string
		want  []string
	}{
		"postgres":      {"postgres:15", []string{"GRANT pg_monitor", "in one pod", "DROP ROLE"}},
		"mysql":         {"mysql:8", []string{"IDENTIFIED BY 'PASSWORD'", "MAX_USER_CONNECTIONS", "DROP USER"}},
		"redis":         {"valkey:8", []string{"ACL SETUSER outrider", "in every pod", "# Note:"}},
		"mongodb":       {"mongo:7", []string{"clusterMonitor"}},
		"elasticsearch": {"elasticsearch:8.1.0", []string{"remote_monitoring_collector"}},
	} {
		g, out := grantingOf(exporter, c.image)
		if err := g.print(); err != nil {
			t.Errorf("%s: %v", exporter, err)
		}
		for _, want := range append(c.want, exporter+".outrider.dev/secret: db-outrider-"+exporter+"/password", "kubectl create secret") {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %q is not shown:\n%s", exporter, want, out)
			}
		}
	}
	g, out := grantingOf("mysql", "mariadb:11")
	if err := g.print(); err != nil || !strings.Contains(out.String(), "IDENTIFIED BY PASSWORD") {
		t.Errorf("MariaDB is not told from MySQL: %v\n%s", err, out)
	}
	for exporter, want := range map[string]string{"rabbitmq": "needs no account", "pgbouncer": "stats_users", "nginx": "does not say", "no-such": "no exporter"} {
		g, _ := grantingOf(exporter, "a:1")
		if err := g.print(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", exporter, err, want)
		}
	}
}

// TestScrub holds that neither a password nor what servers store of it is in an error.
func TestScrub(t *testing.T) {
	password := newPassword()
	if len(password) != 32 || strings.Trim(password, letters) != "" || password == newPassword() {
		t.Errorf("%q is no password of 32 letters and digits", password)
	}
	g, _ := grantingOf("postgres", "postgres:15")
	s, values, err := g.statements(password)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(s.Grant, password) {
		t.Error("PostgreSQL gets the password itself, which it may log")
	}
	text := scrub("ERROR near "+password+", in: "+s.Grant, values)
	for name, value := range values {
		if name != "user" && strings.Contains(text, value) {
			t.Errorf("%s is in the error: %s", name, text)
		}
	}
}
