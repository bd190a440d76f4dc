package image

import (
	"embed"
	"fmt"
)

//go:embed entrypoint
var entrypoints embed.FS

// entrypoint returns a file of the folder of that name: a script or a server's default configuration.
func entrypoint(name string) string {
	data, err := entrypoints.ReadFile("entrypoint/" + name)
	if err != nil {
		panic(err) // names are literals of this package
	}
	return string(data)
}

// servers are the workloads for which the catalog has an entry, from Debian's packages, or from Go
// modules as etcd. They keep the official images' paths, users and environment where manifests in
// the wild rely on them. The tags of Debian's are Debian 12's release series, which security updates
// do not change.
var servers = []Image{
	{
		Repository: "docker.io/library/postgres", Tag: "15", Account: Account{"postgres", 999},
		Debian:  []string{"postgresql-15", "postgresql-client-15", "libpq5", "libicu72", "libxml2", "libxslt1.1", "libreadline8", "tzdata", "gosu"},
		Busybox: true,
		Skip:    []string{"/usr/lib/postgresql/15/lib/bitcode", "/usr/lib/postgresql/15/lib/llvmjit.so"}, // 130 MB for a compiler of queries
		Folders: map[string]Folder{
			"/var/lib/postgresql": {Perm: 0o755, Owner: 999}, "/var/lib/postgresql/data": {Perm: 0o777, Owner: 999},
			"/var/run/postgresql": {Perm: 0o777, Owner: 999}, "/docker-entrypoint-initdb.d": {Perm: 0o755},
		},
		Files: map[string]string{"/usr/local/bin/docker-entrypoint.sh": entrypoint("postgres.sh"), "/secrets.sh": entrypoint("secrets.sh")},
		Config: Config{
			Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"postgres"}, WorkingDir: "/",
			StopSignal: "SIGINT", // at SIGTERM it would wait for the exporter to disconnect
			Env:        []string{defaultPath + ":/usr/lib/postgresql/15/bin", "PGDATA=/var/lib/postgresql/data", "LANG=C.UTF-8"},
		},
	},
	{
		Repository: "docker.io/library/mariadb", Tag: "10.11", Account: Account{"mysql", 999},
		Debian:  []string{"mariadb-server-core", "mariadb-client-core", "mariadb-client", "libaio1", "libmariadb3", "libncurses6", "libnuma1", "liburing2", "gosu"},
		Busybox: true,
		Folders: map[string]Folder{
			"/var/lib/mysql": {Perm: 0o777, Owner: 999}, "/run/mysqld": {Perm: 0o777, Owner: 999},
			"/etc/mysql/conf.d": {Perm: 0o755}, "/docker-entrypoint-initdb.d": {Perm: 0o755},
		},
		Files: map[string]string{
			"/usr/local/bin/docker-entrypoint.sh": entrypoint("mariadb.sh"), "/secrets.sh": entrypoint("secrets.sh"),
			"/etc/mysql/my.cnf": "[client-server]\nsocket = /run/mysqld/mysqld.sock\n[mariadbd]\nskip-name-resolve\n!includedir /etc/mysql/conf.d/\n",
		},
		Config: Config{Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"mariadbd"}},
	},
	{
		// Its status page answers requests from its own pod.
		Repository: "docker.io/library/httpd", Tag: "2.4", Account: Account{"www-data", 33},
		Debian:  []string{"apache2-bin", "libapr1", "libaprutil1", "libcurl4", "libicu72", "liblua5.3-0", "libxml2", "media-types"},
		Busybox: true,
		Folders: map[string]Folder{"/usr/local/apache2/logs": {Perm: 0o777, Owner: 33}, "/usr/local/apache2/conf/extra": {Perm: 0o755}},
		Files: map[string]string{
			"/usr/local/apache2/conf/httpd.conf":   entrypoint("httpd.conf"),
			"/usr/local/apache2/htdocs/index.html": "<html><body><h1>It works!</h1></body></html>\n",
			"/usr/local/bin/httpd-foreground":      entrypoint("httpd-foreground.sh"),
		},
		Links: map[string]string{
			"/usr/local/apache2/bin/httpd":       "/usr/sbin/apache2",
			"/usr/local/apache2/modules":         "/usr/lib/apache2/modules",
			"/usr/local/apache2/conf/mime.types": "/etc/mime.types",
		},
		Config: Config{
			Cmd: []string{"httpd-foreground"}, WorkingDir: "/usr/local/apache2", StopSignal: "SIGWINCH",
			Env: []string{"PATH=/usr/local/apache2/bin:" + defaultPath[len("PATH="):]},
		},
	},
	{
		Repository: "docker.io/library/haproxy", Tag: "2.6", Account: Account{"haproxy", 99},
		Debian:  []string{"haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"},
		Busybox: true,
		Folders: map[string]Folder{"/usr/local/etc/haproxy": {Perm: 0o755}, "/var/lib/haproxy": {Perm: 0o777, Owner: 99}},
		Files:   map[string]string{"/usr/local/bin/docker-entrypoint.sh": entrypoint("haproxy.sh")},
		Config: Config{
			Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"},
			User: "99:99", WorkingDir: "/var/lib/haproxy", StopSignal: "SIGUSR1",
		},
	},
	{
		Repository: "docker.io/library/memcached", Tag: "1.6.18", Account: Account{"memcache", 11211},
		Debian: []string{"memcached", "libevent-2.1-7"}, Busybox: true,
		Files:  map[string]string{"/usr/local/bin/docker-entrypoint.sh": fmt.Sprintf(serve, "memcached", "")},
		Config: Config{Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"memcached"}, User: "11211:11211"},
	},
	{
		Repository: "docker.io/edoburu/pgbouncer", Tag: "1.18.0", Account: Account{"postgres", 70},
		Debian: []string{"pgbouncer", "libc-ares2", "libevent-2.1-7"}, Busybox: true,
		Skip:    []string{"/etc/pgbouncer", "/etc/default"},
		Folders: map[string]Folder{"/etc/pgbouncer": {Perm: 0o777, Owner: 70}},
		Files:   map[string]string{"/entrypoint.sh": entrypoint("pgbouncer.sh")},
		Links:   map[string]string{"/usr/bin/pgbouncer": "../sbin/pgbouncer"},
		Config:  Config{Entrypoint: []string{"/entrypoint.sh"}, Cmd: []string{"/usr/bin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"}, User: "70:70"},
	},
	{
		Repository: "docker.io/library/php", Tag: "8.2-fpm", Account: Account{"www-data", 33},
		Debian:  []string{"php8.2-fpm", "php8.2-common", "php8.2-opcache", "libapparmor1", "libargon2-1", "libicu72", "libsodium23", "libxml2", "tzdata"},
		Busybox: true,
		Folders: map[string]Folder{"/var/www/html": {Perm: 0o777, Owner: 33}},
		Files: map[string]string{
			"/usr/local/sbin/php-fpm": entrypoint("php-fpm.sh"), "/usr/local/etc/php-fpm.conf": entrypoint("php-fpm.conf"),
			"/usr/local/etc/php-fpm.d/www.conf":    entrypoint("www.conf"),
			"/usr/local/bin/docker-php-entrypoint": fmt.Sprintf(serve, "php-fpm", ""),
		},
		Config: Config{Entrypoint: []string{"docker-php-entrypoint"}, Cmd: []string{"php-fpm"}, WorkingDir: "/var/www/html", StopSignal: "SIGQUIT"},
	},
	{
		// As in the official image, its metrics plugin is on.
		Repository: "docker.io/library/rabbitmq", Tag: "3.10", Account: Account{"rabbitmq", 999},
		Debian: []string{
			"rabbitmq-server", "erlang-base", "erlang-asn1", "erlang-crypto", "erlang-eldap", "erlang-ftp", "erlang-inets", "erlang-mnesia", "erlang-os-mon",
			"erlang-parsetools", "erlang-public-key", "erlang-runtime-tools", "erlang-snmp", "erlang-ssl", "erlang-syntax-tools", "erlang-tftp", "erlang-tools",
			"erlang-xmerl", "gosu",
		},
		Busybox: true,
		Folders: map[string]Folder{
			"/var/lib/rabbitmq": {Perm: 0o777, Owner: 999}, "/etc/rabbitmq/conf.d": {Perm: 0o755},
		},
		Files: map[string]string{
			"/usr/local/bin/docker-entrypoint.sh": entrypoint("rabbitmq.sh"),
			"/etc/rabbitmq/enabled_plugins":       "[rabbitmq_prometheus].\n",
		},
		Config: Config{
			Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"rabbitmq-server"},
			Env: []string{"PATH=/usr/lib/rabbitmq/bin:" + defaultPath[len("PATH="):], "HOME=/var/lib/rabbitmq", "RABBITMQ_LOGS=-", "RABBITMQ_LOG_BASE=/var/lib/rabbitmq/log", "LANG=C.UTF-8"},
		},
	},
	{
		Repository: "quay.io/coreos/etcd", Component: "etcd", At: "/usr/local/bin/etcd",
		Config: Config{Cmd: []string{"/usr/local/bin/etcd"}, WorkingDir: "/"},
	},
}
