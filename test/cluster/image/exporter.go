package image

// exporters are the catalog's, under the names and tags that it pins, so that a pod with its
// defaults runs here unchanged. Where the program of that version cannot be had, Actual names the
// one that takes its place. As in the images they stand for, the user is a name, which a pod that
// must not run as root has to replace by a number.
var exporters = []Image{
	{
		Repository: "docker.io/prom/memcached-exporter", Component: "memcached_exporter", At: "/bin/memcached_exporter",
		Config: Config{Entrypoint: []string{"/bin/memcached_exporter"}, User: "nobody"},
	},
	{
		Repository: "docker.io/prometheuscommunity/elasticsearch-exporter", Component: "elasticsearch_exporter", At: "/bin/elasticsearch_exporter",
		Config: Config{Entrypoint: []string{"/bin/elasticsearch_exporter"}, User: "nobody"},
	},
	{
		Repository: "docker.io/prometheuscommunity/pgbouncer-exporter", Component: "pgbouncer_exporter", At: "/bin/pgbouncer_exporter",
		Config: Config{Entrypoint: []string{"/bin/pgbouncer_exporter"}, User: "nobody"},
	},
	{
		Repository: "docker.io/prometheuscommunity/postgres-exporter", Component: "postgres_exporter", Tag: "v0.20.1", Actual: "v0.17.1", At: "/bin/postgres_exporter",
		Config: Config{Entrypoint: []string{"/bin/postgres_exporter"}, User: "nobody"},
	},
	{
		Repository: "docker.io/prom/mysqld-exporter", Component: "mysqld_exporter", Tag: "v0.20.0", Actual: "v0.16.0", At: "/bin/mysqld_exporter",
		Config: Config{Entrypoint: []string{"/bin/mysqld_exporter"}, User: "nobody"},
	},
	{
		Repository: "docker.io/percona/mongodb_exporter", Component: "mongodb_exporter", Tag: "0.53.0", Actual: "v0.43.1", At: "/mongodb_exporter",
		Config: Config{Entrypoint: []string{"/mongodb_exporter"}, User: "65535:65535"},
	},
	{
		Repository: "docker.io/lusotycoon/apache-exporter", Tag: "v1.0.12", Actual: "Debian 12's 0.12.0",
		Debian: []string{"prometheus-apache-exporter"},
		Links:  map[string]string{"/bin/apache_exporter": "/usr/bin/prometheus-apache-exporter"},
		Config: Config{Entrypoint: []string{"/bin/apache_exporter"}, User: "nobody"},
	},
}
