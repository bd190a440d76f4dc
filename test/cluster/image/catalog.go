package image

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/outrider-dev/outrider/test/cluster/build"
)

const busyboxPackage = "busybox-static"

// serve is the entrypoint of a server's image. As in the official images, arguments without the
// program's name are the program's own.
const serve = `#!/bin/sh
case "$1" in -*|*.conf) set -- %[1]s "$@" ;; esac
%[2]sexec "$@"
`

// Pause is the image that holds a pod's namespaces. containerd's configuration names it too.
const Pause = "registry.k8s.io/pause:3.10.2"

// base lists what every cluster has: its own parts, the monitoring stack, Redis and nginx with their
// exporters, tools. A new image needs an entry here, in servers, in exporters or in optional only.
var base = []Image{
	{
		Repository: "registry.k8s.io/pause", Tag: "3.10.2", Main: "./test/cluster/image/pause", At: "/pause",
		Config: Config{Entrypoint: []string{"/pause"}, User: "65535:65535", WorkingDir: "/"},
	},
	{
		Repository: "docker.io/coredns/coredns", Component: "coredns", Tagged: withoutV, At: "/coredns",
		Config: Config{Entrypoint: []string{"/coredns"}, WorkingDir: "/"},
	},
	{
		// It serves its web interface from ./static. As the official one, it has a shell and promtool.
		Repository: "quay.io/prometheus/prometheus", Component: "prometheus", Tagged: prometheusTag, At: "/bin/prometheus",
		Busybox: true,
		Others:  map[string]string{"/bin/promtool": "promtool"},
		Folders: map[string]Folder{"/prometheus": {Perm: 0o777, Owner: 65534}},
		Trees:   map[string]string{"/static/mantine-ui": uiFolder + "/mantine-ui"},
		Config:  Config{Entrypoint: []string{"/bin/prometheus"}, User: "65534", WorkingDir: "/"},
	},
	{
		Repository: "quay.io/prometheus/alertmanager", Component: "alertmanager", At: "/bin/alertmanager",
		Folders: map[string]Folder{"/alertmanager": {Perm: 0o777, Owner: 65534}},
		Config: Config{
			Entrypoint: []string{"/bin/alertmanager"}, User: "nobody", WorkingDir: "/alertmanager",
			Cmd: []string{"--config.file=/etc/alertmanager/alertmanager.yml", "--storage.path=/alertmanager"},
		},
	},
	{
		Repository: "quay.io/prometheus/node-exporter", Component: "node_exporter", At: "/bin/node_exporter",
		Config: Config{Entrypoint: []string{"/bin/node_exporter"}, User: "65534"},
	},
	{
		Repository: "registry.k8s.io/kube-state-metrics/kube-state-metrics", Component: "kube-state-metrics", At: "/kube-state-metrics",
		Config: Config{Entrypoint: []string{"/kube-state-metrics"}, User: "65534"},
	},
	{
		Repository: "docker.io/nginx/nginx-prometheus-exporter", Component: "nginx-prometheus-exporter", Tagged: withoutV, At: "/usr/bin/nginx-prometheus-exporter",
		Config: Config{Entrypoint: []string{"/usr/bin/nginx-prometheus-exporter"}, User: "1001:1001"},
	},
	{
		Repository: "docker.io/oliver006/redis_exporter", Component: "redis_exporter", At: "/redis_exporter",
		Config: Config{Entrypoint: []string{"/redis_exporter"}, User: "59000:59000"},
	},
	{
		// The official image is built without protected mode, which refuses clients from other pods.
		Repository: "docker.io/library/redis", Tag: "7.0.15",
		Debian: []string{"redis-server", "redis-tools", "libjemalloc2", "liblzf1"}, Busybox: true, Account: Account{"redis", 999},
		Folders: map[string]Folder{"/data": {Perm: 0o777, Owner: 999}},
		Files: map[string]string{"/docker-entrypoint.sh": fmt.Sprintf(serve, "redis-server",
			"[ \"$1\" != redis-server ] || set -- \"$@\" --protected-mode no\n")},
		Config: Config{Entrypoint: []string{"/docker-entrypoint.sh"}, Cmd: []string{"redis-server"}, User: "999:999", WorkingDir: "/data"},
	},
	{
		Repository: "docker.io/library/nginx", Tag: "1.22.1",
		Debian: []string{"nginx", "nginx-common"}, Busybox: true, Account: Account{"nginx", 101},
		Folders: map[string]Folder{"/var/lib/nginx": {Perm: 0o777, Owner: 101}, "/var/cache/nginx": {Perm: 0o777, Owner: 101}, "/run": {Perm: 0o777}},
		Files: map[string]string{
			"/docker-entrypoint.sh":            fmt.Sprintf(serve, "nginx", ""),
			"/etc/nginx/nginx.conf":            nginxConf,
			"/etc/nginx/conf.d/default.conf":   nginxDefault,
			"/usr/share/nginx/html/index.html": "<h1>Welcome to nginx!</h1>\n",
		},
		Links:  map[string]string{"/var/log/nginx/access.log": "/dev/stdout", "/var/log/nginx/error.log": "/dev/stderr"},
		Config: Config{Entrypoint: []string{"/docker-entrypoint.sh"}, Cmd: []string{"nginx", "-g", "daemon off;"}},
	},
	{
		Repository: "docker.io/library/busybox", Tag: "1.35.0", Busybox: true,
		Config: Config{Cmd: []string{"sh"}},
	},
	{
		// busybox' own wget does neither timeouts nor the API server's TLS.
		Repository: "docker.io/curlimages/curl", Tag: "7.88.1",
		Debian: []string{"curl", "libcurl4"}, Busybox: true, Account: Account{"curl_user", 100},
		Files:  map[string]string{"/entrypoint.sh": "#!/bin/sh\ncommand -v \"$1\" >/dev/null || set -- curl \"$@\"\nexec \"$@\"\n"},
		Config: Config{Entrypoint: []string{"/entrypoint.sh"}, User: "100:100"},
	},
}

const nginxConf = `user nginx;
worker_processes auto;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 1024; }
http {
    include mime.types;
    default_type application/octet-stream;
    access_log /dev/stdout;
    include conf.d/*.conf;
}
`

const nginxDefault = `server {
    listen 80;
    location / { root /usr/share/nginx/html; index index.html; }
}
`

// Base returns the images that every cluster has from its start.
func Base() []Image { return slices.Clone(base) }

// Workloads returns what Base lacks: the servers and exporters of the catalog, and the optional parts
// of the stack. They are hundreds of megabytes: who needs them loads them.
func Workloads() []Image { return slices.Concat(servers, exporters, optional) }

// All returns every image but this project's own, those of sandboxes too.
func All() []Image { return slices.Concat(base, servers, exporters, optional, sandboxed) }

// Find returns the image whose repository ends in name, such as redis.
func Find(name string) (Image, error) {
	for _, i := range All() {
		if path.Base(i.Repository) == name {
			return i, nil
		}
	}
	return Image{}, fmt.Errorf("no image is called %q", name)
}

// Controller returns the image of this project's controller, built from the working tree and
// tagged as the chart's appVersion says.
func Controller() (Image, error) {
	tag, err := appVersion()
	if err != nil {
		return Image{}, err
	}
	return Image{
		Repository: "ghcr.io/outrider-dev/outrider-controller", Tag: tag,
		Main: "./cmd/outrider-controller", At: "/outrider-controller",
		Config: Config{Entrypoint: []string{"/outrider-controller"}, User: "65532:65532"},
	}, nil
}

func appVersion() (string, error) {
	root, err := build.Root()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(filepath.Join(root, "charts", "outrider", "Chart.yaml"))
	if err != nil {
		return "", fmt.Errorf("read the chart's version: %w", err)
	}
	var chart struct {
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal(data, &chart); err != nil || chart.AppVersion == "" {
		return "", fmt.Errorf("read the chart's appVersion: %w", err)
	}
	return chart.AppVersion, nil
}

// Components are the programs that the images are made of, to be built at once, which is faster than one by one.
func Components(images ...Image) []string {
	var names []string
	for _, i := range images {
		names = append(names, i.components()...)
	}
	return names
}

func withoutV(version string) string { return strings.TrimPrefix(version, "v") }

func prometheusTag(version string) string { return "v" + build.PrometheusRelease(version) }
