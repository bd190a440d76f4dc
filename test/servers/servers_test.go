// Package servers_test runs exporters of the catalog beside the servers that they are for: both are Debian's programs on the
// loopback address, started with what NewPlan gives a pod that shows the server as it is set up.
//
// # Decision: Debian's version of an exporter stands for the pinned one
//
// No image can be pulled here, and these exporters are in no Go module that can be fetched. What is held is that the server, the
// port, the flags and the up metric of a definition belong together. Each definition says which versions were run.
package servers_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/outrider-dev/outrider/sidecars"
	"github.com/outrider-dev/outrider/test/child"
	"github.com/outrider-dev/outrider/test/cluster/image"
	"github.com/outrider-dev/outrider/test/endpoint"
	"github.com/outrider-dev/outrider/test/poll"
)

// server is one server and the exporter for it.
type server struct {
	packages []string // of Debian, with libraries that a plain machine lacks
	copied   []string // those of them that the server reads after it has given up root, for whom the cache is closed
	program  string   // of the server, in one of the packages
	image    string   // of the pod's container
	// config is the server's configuration; DIR, ROOT and PORT stand for its folder, the folder of its packages and its port.
	config string
	args   []string // the same stand for themselves in them, and CONFIG for the configuration's file
	// exporter is the exporter's program; empty for a workload that serves metrics itself.
	exporter string
}

var servers = map[string]server{
	"bind": {
		packages: []string{"bind9", "bind9-libs", "libjemalloc2", "liblmdb0", "libmaxminddb0", "libfstrm0", "libprotobuf-c1", "libuv1", "libjson-c5", "libnghttp2-14", "libxml2", "libicu72", "prometheus-bind-exporter"},
		program:  "usr/sbin/named", image: "ubuntu/bind9:9.18",
		config: `options { directory "DIR"; listen-on { none; }; listen-on-v6 { none; }; pid-file none; session-keyfile none; recursion no; dnssec-validation no; managed-keys-directory "DIR"; };
controls { };
statistics-channels { inet 127.0.0.1 port PORT allow { 127.0.0.1; }; };
`,
		args: []string{"-g", "-c", "CONFIG"}, exporter: "usr/bin/prometheus-bind-exporter",
	},
	"squid": {
		packages: []string{"squid", "squid-common", "squid-langpack", "libltdl7", "libecap3", "libxml2", "libicu72", "libnetfilter-conntrack3", "libnfnetlink0", "libmnl0", "prometheus-squid-exporter"},
		copied:   []string{"squid", "squid-common", "squid-langpack"},
		program:  "usr/sbin/squid", image: "ubuntu/squid:6.6",
		config: `http_port 127.0.0.1:PORT
pid_filename none
pinger_enable off
cache_log DIR/cache.log
access_log none
coredump_dir DIR
cache_effective_user nobody
mime_table ROOT/squid-common/usr/share/squid/mime.conf
icon_directory ROOT/squid-common/usr/share/squid/icons
error_directory ROOT/squid-langpack/usr/share/squid-langpack/templates
unlinkd_program ROOT/squid/usr/lib/squid/unlinkd
logfile_daemon ROOT/squid/usr/lib/squid/log_file_daemon
http_access allow localhost manager
http_access deny all
shutdown_lifetime 1 second
`,
		args: []string{"-N", "-f", "CONFIG"}, exporter: "usr/bin/prometheus-squid-exporter",
	},
	"etcd": {
		packages: []string{"etcd-server"}, program: "usr/bin/etcd", image: "quay.io/coreos/etcd:v3.4.23",
		args: []string{"--data-dir=DIR/data", "--listen-client-urls=http://127.0.0.1:PORT", "--advertise-client-urls=http://127.0.0.1:PORT", "--listen-peer-urls=http://127.0.0.1:0"},
	},
	"caddy": {
		packages: []string{"caddy"}, program: "usr/bin/caddy", image: "caddy:2.6",
		config: `{"admin": {"listen": "127.0.0.1:PORT"}}`,
		args:   []string{"run", "--config", "CONFIG"},
	},
	"influxdb": {
		packages: []string{"influxdb"}, program: "usr/bin/influxd", image: "influxdb:1.8",
		config: `reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "DIR/meta"
[data]
  dir = "DIR/data"
  wal-dir = "DIR/wal"
[http]
  bind-address = "127.0.0.1:PORT"
`,
		args: []string{"run", "-config", "CONFIG"},
	},
}

// TestExportersReachTheirServers starts each server and its exporter, and waits until the up metric is there, and is 1 where
// it ends in _up.
func TestExportersReachTheirServers(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: this test starts servers")
	}
	for name, s := range servers {
		t.Run(name, func(t *testing.T) {
			_, port, err := net.SplitHostPort(endpoint.FreeFor(t))
			if err != nil {
				t.Fatal(err)
			}
			root := s.fetch(t)
			s.run(t, root, port)
			address := s.watch(t, name, root, port)
			spec, _ := sidecars.Builtin().Spec(name)
			poll.Until(t, time.Minute, 100*time.Millisecond, func() string {
				body, _ := endpoint.Get(address)
				for line := range strings.Lines(body) {
					series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
					metric, _, _ := strings.Cut(series, "{")
					if metric == spec.UpMetric && (value == "1" || !strings.HasSuffix(metric, "_up")) {
						return ""
					}
				}
				return fmt.Sprintf("no %s that is 1 at %s", spec.UpMetric, address)
			})
		})
	}
}

// open is a folder, gone when the test ends, that every user may write to.
func open(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(folder, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fetch is a folder with links to the folders of the server's packages, or copies of them.
func (s server) fetch(t *testing.T) string {
	t.Helper()
	root := open(t)
	for _, name := range s.packages {
		dir, err := image.Package(t.Context(), name)
		switch {
		case err != nil:
		case slices.Contains(s.copied, name):
			err = os.CopyFS(filepath.Join(root, name), os.DirFS(dir))
		default:
			err = os.Symlink(dir, filepath.Join(root, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// run starts the server until the test ends.
func (s server) run(t *testing.T, root, port string) {
	t.Helper()
	dir := open(t)
	config := filepath.Join(dir, "config")
	words := strings.NewReplacer("DIR", dir, "ROOT", root, "PORT", port, "CONFIG", config)
	if err := os.WriteFile(config, []byte(words.Replace(s.config)), 0o644); err != nil {
		t.Fatal(err)
	}
	var args []string
	for _, arg := range s.args {
		args = append(args, words.Replace(arg))
	}
	start(t, root, s.program, dir, nil, args)
}

// watch asks for a plan for a pod with the server, starts the exporter as the plan says, and returns where its metrics are.
func (s server) watch(t *testing.T, name, root, port string) string {
	t.Helper()
	var number int32
	if _, err := fmt.Sscan(port, &number); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: name, Image: s.image, Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: number}},
	}}}}
	pod.Annotations = map[string]string{sidecars.InjectKey: name, name + "." + sidecars.Domain + "/port": port}
	plan := sidecars.NewPlan(sidecars.Input{Pod: pod}, sidecars.Builtin())
	if s.exporter == "" {
		if len(plan.Decisions) != 1 || plan.Decisions[0].Outcome != sidecars.Discovered {
			t.Fatalf("%+v", plan.Decisions)
		}
		_, at, _ := strings.Cut(plan.Decisions[0].Endpoint, "=")
		if !strings.Contains(at, "/") {
			at += "/metrics"
		}
		return "http://127.0.0.1:" + at
	}
	if !plan.Injects() {
		t.Fatalf("%+v", plan.Decisions)
	}
	injected := plan.Apply(pod).Spec.Containers[1]
	var env []string
	for _, v := range injected.Env {
		env = append(env, v.Name+"="+v.Value)
	}
	start(t, root, s.exporter, t.TempDir(), env, injected.Args)
	return fmt.Sprintf("http://127.0.0.1:%d/metrics", injected.Ports[0].ContainerPort)
}

// start runs a program of the packages, with their libraries, until the test ends.
func start(t *testing.T, root, program, dir string, env, args []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "*", program))
	if err != nil || len(found) != 1 {
		t.Fatalf("the packages have %d programs %s (%v)", len(found), program, err)
	}
	libraries, err := filepath.Glob(filepath.Join(root, "*", "usr/lib/*-linux-gnu*"))
	if err != nil {
		t.Fatal(err)
	}
	words := append([]string{"LD_LIBRARY_PATH=" + strings.Join(libraries, ":")}, env...)
	log := filepath.Join(dir, "log")
	p, err := child.Start(filepath.Base(program), "/usr/bin/env", log, append(append(words, found[0]), args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop(5 * time.Second)
		if t.Failed() {
			t.Logf("%s ended with:\n%s", program, p.Tail())
		}
	})
}
