package sidecars

import (
	"slices"
	"strings"
)

// What names of images, containers and ports are made of. A name's kind is its
// last word, as in English: my-redis is a Redis, redis-commander is a commander.
var (
	// variants say how an image was built and not what it is.
	variants = []string{"alpine", "debian", "ubuntu", "bookworm", "bullseye", "slim", "minimal", "distroless", "wolfi", "photon", "fips", "amd64", "arm64",
		"arm64v8", "arm", "ppc64le", "s390x", "c8s", "c9s", "c10s", "centos", "el", "fedora", "rhel", "ubi", "micro", "oss", "ce", "ee", "community", "enterprise", "official", "hardened", "custom"}
	// fronts are words before the name of an image in a mirror, besides variants.
	fronts = []string{"mirrored", "mirror", "library", "docker", "io", "hub"}
	// roles are what a server is in its cluster, for its application or for its users.
	roles = []string{"server", "srv", "db", "database", "cache", "master", "slave", "main", "leader", "primary", "secondary", "replica", "replicas", "replication",
		"standalone", "cluster", "ha", "node", "member", "broker", "shard", "sharded", "data", "store", "service", "svc", "port", "tcp", "tls", "ssl",
		"kubernetes", "k8s", "docker", "container", "pod", "follower", "writer", "reader", "rw", "ro", "rs", "session", "sessions", "queue", "queues",
		"prod", "production", "stage", "staging", "dev", "development", "test", "qa", "uat", "live", "demo", "local", "internal", "base", "image"}
	// others are words of what is named after a server: clients, proxies, exporters, tools, servers that only speak its protocol.
	others = []string{"exporter", "exporters", "operator", "client", "cli", "shell", "proxy", "proxies", "router", "gateway", "ingress", "balancer", "lb", "bouncer", "mesh",
		"tunnel", "forwarder", "adapter", "bridge", "connect", "connector", "connectors", "sync", "fix", "ui", "gui", "admin", "commander", "insight", "redisinsight",
		"dashboard", "console", "browser", "express", "explorer", "manager", "monitor", "monitoring", "metrics", "agent", "controller", "webhook", "reloader",
		"sentinel", "arbiter", "backup", "backups", "restore", "dump", "archiver", "cron", "job", "cleaner", "cleanup", "init", "initializer", "migrate", "migrator", "migration", "migrations",
		"seed", "bootstrap", "setup", "tool", "tools", "toolbox", "utils", "benchmark", "bench", "loadgen", "probe", "healthcheck", "sidecar",
		"registry", "rest", "mirrormaker", "mcp",
		"pgpool", "pgcat", "pgdog", "pgagroal", "odyssey", "supavisor", "spqr", "proxysql", "maxscale", "vtgate", "mcrouter", "twemproxy", "nutcracker", "predixy", "codis",
		"envoy", "proxyv", "toxiproxy", "stunnel", "ghostunnel", "socat", "gost", "kong", "tyk", "linkerd", "skipper", "hitch", "keepalived", "ambassador", "contour",
		"phpmyadmin", "pgadmin", "adminer", "pgweb", "pghero", "akhq", "kafdrop", "kowl", "cmak", "kibana", "cerebro", "elasticvue", "dejavu", "grafana", "metabase", "postgrest", "hasura",
		"readyset", "tailscale", "headscale", "netbird", "twingate", "cloudflared", "ngrok", "inlets", "autossh", "sshuttle", "chisel", "boundary", "ziti", "wireguard", "openvpn", "teleport",
		"debezium", "logstash", "filebeat", "metricbeat", "fluentd", "fluentbit", "ferretdb", "dolt", "redpanda", "kroxylicious", "crate", "cratedb", "immudb", "busybox", "pause",
		"cedardb", "doltgresql", "yugabyte", "yugabytedb", "materialize", "materialized", "environmentd", "risingwave", "greptimedb", "databend", "tidb", "oceanbase", "starrocks", "doris",
		"manticore", "manticoresearch", "memsql", "singlestore", "zincsearch", "quickwit", "openobserve", "documentdb", "ray"}
	// subjects are those that say in front of a server's name what it is for: dashboard-postgres is a PostgreSQL, postgres-dashboard a dashboard.
	subjects = []string{"admin", "ui", "gui", "dashboard", "console", "browser", "explorer", "manager", "monitor", "monitoring", "metrics", "controller", "webhook",
		"registry", "insight", "grafana", "metabase", "hasura", "kibana", "debezium", "logstash", "teleport", "ray"}
	// proxies are words of what stands in front of servers and is a workload of the catalog.
	proxies = []string{"pgbouncer", "haproxy", "traefik", "envoy", "squid", "varnish", "nginx", "openresty", "kong", "caddy"}
	// stores are words of what keeps the data of the workload that it is named after: keycloak-db is no Keycloak.
	stores = append(holders[:len(holders):len(holders)], "sql")
	// holders are those that say no more.
	holders = []string{"db", "database", "store", "storage", "data", "cache"}
	// others of an image's tag.
	otherTags = []string{"cli", "exporter", "sentinel", "operator", "backup"}
)

var (
	othersOfPorts = slices.DeleteFunc(slices.Clone(others), func(word string) bool { return word == "client" })
	// tails are the words at the end of a name that do not say what it is.
	tails = append(variants[:len(variants):len(variants)], roles...)
	// tools are the others that stand on both sides of a name: exporter-redis is an exporter too.
	tools = slices.DeleteFunc(slices.Clone(others), func(word string) bool { return slices.Contains(subjects, word) })
)

var (
	isVariant = wordSet(variants)
	isFront   = wordSet(append(fronts[:len(fronts):len(fronts)], variants...))
	isTail    = wordSet(tails)
	isOther   = wordSet(others)
	isTool    = wordSet(tools)
	// A server's port for its clients says client.
	isOtherPort = wordSet(othersOfPorts)
	isProxy     = wordSet(proxies)
	isStore     = wordSet(stores)
	isHolder    = wordSet(holders)
	isOtherTag  = wordSet(otherTags)
)

// separators stand between the words of a name.
const separators = "-_."

// Those that end a name, and those that are somewhere in it, as patterns for the
// API server's policies.
var (
	variantsPattern = tailPattern(variants)
	frontsPattern   = `^(?:` + oneOf(append(fronts[:len(fronts):len(fronts)], variants...)) + `[0-9]*[-_.])*`
	tailsPattern    = tailPattern(tails)
	foldersPattern  = `(?:^|/)[^/.:]+/` + tailWord(tails) + `(?:[-_.]+` + tailWord(tails) + `)*(?::[^/]*)?$`
	othersPattern   = wordPattern(others)
	toolsPattern    = wordPattern(tools)
)

// wordPattern matches names with one of the words in them.
func wordPattern(words []string) string {
	return `(?:^|[-_.])` + oneOf(words) + `[0-9]*(?:[-_.]|$)`
}

func tailPattern(words []string) string { return `[0-9]*(?:[-_.]+` + tailWord(words) + `)*$` }

// tailWord matches a version, or one of the words.
func tailWord(words []string) string { return `(?:v?[0-9][0-9a-z]*|` + oneOf(words) + `[0-9]*)` }

// splitImage returns the last part of an image's repository, and its tag: redis
// and 7 of registry:5000/library/redis:7@sha256:….
func splitImage(image string) (base, tag string) {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	base, tag, _ = strings.Cut(image, ":")
	return base, tag
}

// calledBesides is what an image is called besides its base name: by its folder, where the base name says
// nothing, as redis/main, or else by its tag, as mirror:redis-7.
func calledBesides(image, base, tag string) string {
	for word := range strings.FieldsFuncSeq(base, separates) {
		if !isVersion(word) && !isTail[word] && !isTail[withoutDigits(word)] {
			return tag
		}
	}
	image, _, _ = strings.Cut(image, "@")
	folders := strings.Split(image, "/")
	if len(folders) < 2 || strings.ContainsAny(folders[len(folders)-2], ".:") {
		return tag
	}
	return folders[len(folders)-2]
}

// stem is a name without the versions and the words at its end that are in tail:
// postgresql of postgresql-15-c9s.
func stem(name string, tail map[string]bool) string {
	for {
		i := strings.LastIndexAny(name, separators)
		if i < 0 || !isVersion(name[i+1:]) && !tail[withoutDigits(name[i+1:])] && !tail[name[i+1:]] {
			return withoutDigits(name)
		}
		name = strings.TrimRight(name[:i], separators)
	}
}

// bare is an image's name without the words before it that say where it comes from and how
// it was built: redis of mirrored-library-redis and of alpine-redis.
func bare(name string) string {
	for {
		i := strings.IndexAny(name, separators)
		if i < 0 || i+1 == len(name) || !isFront[withoutDigits(name[:i])] && !isFront[name[:i]] {
			return name
		}
		name = name[i+1:]
	}
}

// kind is the last word of a name that says what it is: redis of tcp-redis and of
// my-redis-master-0.
func kind(name string) string {
	name = stem(name, isTail)
	return name[strings.LastIndexAny(name, separators)+1:]
}

// hasWord reports whether one of a name's words is in the set.
func hasWord(name string, words map[string]bool) string {
	for word := range strings.FieldsFuncSeq(name, separates) {
		if words[word] || words[withoutDigits(word)] {
			return word
		}
	}
	return ""
}

// separates reports whether a rune stands between the words of a name.
func separates(r rune) bool { return strings.ContainsRune(separators, r) }

func withoutDigits(word string) string { return strings.TrimRight(word, "0123456789") }

// isVersion reports whether a word begins with a number, or with a v and one.
func isVersion(word string) bool {
	word = strings.TrimPrefix(word, "v")
	if word == "" || word[0] < '0' || word[0] > '9' {
		return false
	}
	for i := range len(word) {
		if c := word[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// withoutVersion is a tag's word without a version: pgbouncer of pgbouncer1.23.1.
func withoutVersion(word string) string { return strings.TrimRight(word, "0123456789.") }

func wordSet(words []string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, word := range words {
		m[word] = true
	}
	return m
}
