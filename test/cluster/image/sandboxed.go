package image

import "fmt"

// sandboxed are further servers and exporters of the catalog, which only test/sandbox runs: no
// cluster loads them.
var sandboxed = []Image{
	{
		Repository: "docker.io/ubuntu/bind9", Tag: "9.18",
		Debian: []string{
			"bind9", "bind9-libs", "libjemalloc2", "liblmdb0", "libmaxminddb0", "libfstrm0", "libprotobuf-c1", "libuv1", "libjson-c5", "libnghttp2-14",
			"libxml2", "libicu72",
		},
		Folders: map[string]Folder{"/var/cache/bind": {Perm: 0o777}},
		Config:  Config{Cmd: []string{"/usr/sbin/named", "-g", "-c", "/etc/bind/named.conf"}},
	},
	{
		Repository: "docker.io/prometheuscommunity/bind-exporter", Tag: "v0.8.0", Actual: "Debian 12's 0.6.1",
		Debian: []string{"prometheus-bind-exporter"},
		Config: Config{Entrypoint: []string{"/usr/bin/prometheus-bind-exporter"}, User: "nobody"},
	},
	{
		Repository: "docker.io/ubuntu/squid", Tag: "5.7", Account: Account{"proxy", 13},
		Debian: []string{
			"squid", "squid-common", "squid-langpack", "libltdl7", "libecap3", "libxml2", "libicu72", "libnetfilter-conntrack3", "libnfnetlink0", "libmnl0", "libtdb1",
		},
		Folders: map[string]Folder{"/var/log/squid": {Perm: 0o777, Owner: 13}, "/var/spool/squid": {Perm: 0o777, Owner: 13}, "/run": {Perm: 0o777}},
		Config:  Config{Cmd: []string{"/usr/sbin/squid", "-N", "-f", "/etc/squid/squid.conf"}},
	},
	{
		Repository: "docker.io/boynux/squid-exporter", Tag: "v1.13.0", Actual: "Debian 12's 1.10.3",
		Debian: []string{"prometheus-squid-exporter"},
		Config: Config{Entrypoint: []string{"/usr/bin/prometheus-squid-exporter"}, User: "nobody"},
	},
	{
		Repository: "docker.io/library/caddy", Tag: "2.6", Debian: []string{"caddy"}, Busybox: true,
		Config: Config{Cmd: []string{"/usr/bin/caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"}, Env: []string{"HOME=/root"}},
	},
	{
		Repository: "docker.io/library/influxdb", Tag: "1.8", Actual: "Debian 12's 1.6.7",
		Debian: []string{"influxdb"}, Account: Account{"influxdb", 1500},
		Config: Config{Cmd: []string{"/usr/bin/influxd"}},
	},
	{
		Repository: "docker.io/prom/statsd-exporter", Component: "statsd_exporter", At: "/bin/statsd_exporter",
		Config: Config{Entrypoint: []string{"/bin/statsd_exporter"}, User: "nobody"},
	},
	{
		Repository: "docker.io/library/traefik", Component: "traefik", At: "/usr/local/bin/traefik", Busybox: true,
		Files:  map[string]string{"/entrypoint.sh": fmt.Sprintf(serve, "traefik", "")},
		Config: Config{Entrypoint: []string{"/entrypoint.sh"}, Cmd: []string{"traefik"}},
	},
	{
		// Its shell sends packets.
		Repository: "docker.io/library/bash", Tag: "5.2", Debian: []string{"bash-static"}, Busybox: true,
		Links:  map[string]string{"/usr/local/bin/bash": "/bin/bash-static"},
		Config: Config{Cmd: []string{"bash"}},
	},
}
