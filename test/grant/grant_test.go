//go:build linux

// Package grant_test makes the accounts of exporters in real servers, by the statements of their definitions, and holds that
// each is enough for its exporter and for nothing else, and that its password is nowhere but in the Secret.
package grant_test

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/discovery"
	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/sandbox"
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(sandbox.Main([]string{"postgres", "postgres-exporter", "mariadb", "mysqld-exporter", "redis", "redis_exporter"}, m.Run))
}

const password = "0therThanAnyWordInTheseLogs1234"

// server is a server of which an account is asked.
type server struct {
	exporter  string
	container corev1.Container
	admin     string // makes a table or key with a secret, as the administrator
	as        string // begins a session as the account, whose password is in $P; statements follow on standard input
	refused   []string
	refusal   *regexp.Regexp // what the server says then, and to an account that there is not
	allowed   string
}

var servers = []server{
	{
		exporter: "postgres",
		container: corev1.Container{Name: "db", Image: "docker.io/library/postgres:15", Args: []string{"postgres", "-c", "log_statement=all", "-c", "log_min_duration_statement=0"},
			// Without it the image trusts every client on the loopback.
			Env: []corev1.EnvVar{fromSecret("POSTGRES_PASSWORD"), {Name: "POSTGRES_INITDB_ARGS", Value: "--auth-host=scram-sha-256"}}},
		admin:   `echo "CREATE TABLE secret (a text); INSERT INTO secret VALUES ('canary');" | psql -q -U postgres`,
		as:      `PGPASSWORD=$P psql -X -v ON_ERROR_STOP=1 -h 127.0.0.1 -U outrider -d postgres`,
		refused: []string{"SELECT * FROM secret;", "CREATE TABLE mine (a int);", "CREATE ROLE other;", "DROP TABLE secret;"}, refusal: regexp.MustCompile("permission denied|read-only|must be owner|authentication failed"),
		allowed: "SELECT count(*) FROM pg_stat_activity;",
	},
	{
		exporter: "mysql",
		container: corev1.Container{Name: "db", Image: "docker.io/library/mariadb:10.11", Args: []string{"--general-log=1", "--log-bin=/var/lib/mysql/bin", "--server-id=1"},
			Env: []corev1.EnvVar{fromSecret("MARIADB_ROOT_PASSWORD")}},
		admin:   `echo "CREATE DATABASE shop; CREATE TABLE shop.secret (a text); INSERT INTO shop.secret VALUES ('canary');" | MYSQL_PWD=$MARIADB_ROOT_PASSWORD mariadb -u root`,
		as:      `MYSQL_PWD=$P mariadb -h 127.0.0.1 -u outrider`,
		refused: []string{"SELECT * FROM shop.secret;", "CREATE DATABASE mine;", "CREATE USER other;", "DELETE FROM shop.secret;"}, refusal: regexp.MustCompile("ERROR [0-9]+ .*denied"),
		allowed: "SHOW GLOBAL STATUS;",
	},
	{
		exporter: "redis",
		container: corev1.Container{Name: "db", Image: "docker.io/library/redis:7.0.15", Args: []string{"redis-server", "--requirepass", "$(REDIS_PASSWORD)"},
			Env: []corev1.EnvVar{fromSecret("REDIS_PASSWORD")}},
		admin:   `echo "SET secret canary" | REDISCLI_AUTH=$REDIS_PASSWORD redis-cli`,
		as:      `REDISCLI_AUTH=$P redis-cli -e --user outrider`,
		refused: []string{"GET secret", "SET mine 1", "CONFIG GET requirepass", "FLUSHALL", "ACL LIST"}, refusal: regexp.MustCompile("(?m)^(NOPERM|NOAUTH|WRONGPASS)"),
		allowed: "PING",
	},
}

func fromSecret(name string) corev1.EnvVar {
	ref := corev1.SecretKeySelector{Key: "admin"}
	ref.Name = "db"
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &ref}}
}

var secrets = sandbox.Values{"db/admin": "for-tests", "db-outrider/password": password}

func TestGrant(t *testing.T) {
	for _, s := range servers {
		t.Run(s.exporter, func(t *testing.T) { s.test(t.Context(), t) })
	}
}

func (s server) test(ctx context.Context, t *testing.T) {
	byAdmin, db := s.start(ctx, t, nil)
	if _, err := db.Exec(ctx, nil, "sh", "-c", s.admin); err != nil {
		t.Fatal(err)
	}
	values, err := sidecars.GrantValues("outrider", password, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	statements, err := sidecars.Builtin().GrantStatements(s.exporter, &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{s.container}}}, values)
	if err != nil {
		t.Fatal(err)
	}
	shown := watchProcesses(t)
	for range 2 { // again: it changes nothing
		if _, err := db.Exec(ctx, strings.NewReader(statements.Grant), "sh", "-c", statements.Shell); err != nil {
			t.Fatalf("grant: %v", err)
		}
	}
	shown()
	s.limited(ctx, t, db)
	s.enough(ctx, t, byAdmin)
	nowhere(t, db)
	if _, err := db.Exec(ctx, strings.NewReader("this is no statement;\n"), "sh", "-c", statements.Shell); err == nil {
		t.Error("a statement that is refused ends with the code 0")
	}
	for range 2 {
		if _, err := db.Exec(ctx, strings.NewReader(statements.Revoke), "sh", "-c", statements.Shell); err != nil {
			t.Fatalf("revoke: %v", err)
		}
	}
	if out, err := s.session(ctx, db, s.allowed); !s.isRefused(out, err) {
		t.Errorf("the account is there after it was revoked: %s", out)
	}
}

// start runs the server, and the exporter beside it: as the pod shows it, or with the account of annotations. Once the server
// runs, another exporter is started beside the same one.
func (s server) start(ctx context.Context, t *testing.T, annotations map[string]string) (served []string, db *sandbox.Container) {
	t.Helper()
	db, err := sandbox.Start(ctx, &s.container, sandbox.Options{Values: secrets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, db) })
	return s.scrape(ctx, t, annotations), db
}

func stop(t *testing.T, c *sandbox.Container) {
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
}

// scrape returns the names of the series of an exporter with the account of annotations.
func (s server) scrape(ctx context.Context, t *testing.T, annotations map[string]string) []string {
	t.Helper()
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{s.container}}}
	pod.Annotations = map[string]string{sidecars.InjectKey: s.exporter}
	for key, value := range annotations {
		pod.Annotations[key] = value
	}
	made := sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin()).Apply(pod)
	if len(made.Spec.Containers) != 2 {
		t.Fatalf("not injected: %s", made.Annotations[sidecars.StatusKey])
	}
	super := sidecars.Superusers(made, sidecars.Builtin())
	if (len(super) == 1) != (annotations == nil) {
		t.Errorf("log in as superusers with %v: %v", annotations, super)
	}
	exporter, err := sandbox.Start(ctx, &made.Spec.Containers[1], sandbox.Options{Values: secrets})
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, exporter)
	at := sandbox.EndpointOf(made)
	if err := at.Wait(ctx, exporter); err != nil {
		t.Fatalf("%v\n%s", err, exporter.Log())
	}
	names, err := at.Settled(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// enough holds that with the account the exporter serves all that rules and dashboards ask for and the administrator gets.
func (s server) enough(ctx context.Context, t *testing.T, byAdmin []string) {
	t.Helper()
	names := s.scrape(ctx, t, map[string]string{s.exporter + ".outrider.dev/user": "outrider", s.exporter + ".outrider.dev/secret": "db-outrider/password"})
	for _, name := range discovery.Essential()[s.exporter] {
		if slices.Contains(byAdmin, name) && !slices.Contains(names, name) {
			t.Errorf("%s is served to the administrator only", name)
		}
	}
	t.Logf("%d series, %d to the administrator", len(names), len(byAdmin))
}

// session runs statements as the account.
func (s server) session(ctx context.Context, db *sandbox.Container, statements string) (string, error) {
	return db.Exec(ctx, strings.NewReader(password+"\n"+statements+"\n"), "sh", "-c", "read -r P; export P; "+s.as)
}

// limited holds what the account may not do.
func (s server) limited(ctx context.Context, t *testing.T, db *sandbox.Container) {
	t.Helper()
	if out, err := s.session(ctx, db, s.allowed); err != nil || s.isRefused(out, err) {
		t.Errorf("%s: %v: %s", s.allowed, err, out)
	}
	for _, statement := range s.refused {
		out, err := s.session(ctx, db, statement)
		if strings.Contains(out, "canary") || !s.isRefused(out, err) {
			t.Errorf("%s is not refused: %v: %s", statement, err, out)
		}
	}
}

// isRefused reports whether the server says so; redis-cli ends with the code 0 all the same.
func (s server) isRefused(out string, err error) bool {
	return s.refusal.MatchString(fmt.Sprint(out, err))
}

// watchProcesses looks at the arguments of all processes until it is ended.
func watchProcesses(t *testing.T) (end func()) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, line := range lines {
				if data, err := os.ReadFile(line); err == nil && strings.Contains(string(data), password) {
					t.Errorf("the password is among the arguments of %q", data)
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	return func() { close(stop); <-ended }
}

// nowhere holds that the password is in no log and in no file of the server, such as its binary log.
func nowhere(t *testing.T, db *sandbox.Container) {
	t.Helper()
	if strings.Contains(db.Log(), password) {
		t.Error("the password is in the server's log")
	}
	if !strings.Contains(db.Log(), "outrider") {
		t.Log("the server's log does not speak of the account")
	}
	for _, dir := range []string{"/var/lib", "/data", "/tmp"} {
		err := filepath.WalkDir(filepath.Join(db.Root(), dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil //nolint:nilerr // a file that the server has removed meanwhile
			}
			if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), password) {
				return fmt.Errorf("the password is in %s", strings.TrimPrefix(path, db.Root()))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
