{{/* Generated from sidecars.Vocabulary, which says what each is; to change it: go test ./sidecars -run TestChartFile -update */}}
{{- define "outrider.vocabulary.assigns" -}}
"(?:^|[\\s;|&({])(?:[A-Z][A-Za-z0-9_]*=|(?:[.]|source)\\s)|:="
{{- end -}}
{{- define "outrider.vocabulary.behind" -}}
"(?:[^\\x01]*/)?(?:su-exec|gosu|setuidgid|s6-setuidgid|chroot)/*\\x01[^\\x01]*|(?:-u|-g|--user|--group|--reuid|--regid)\\x01[^\\x01]*|(?:-exec|--exec|-cmd|--cmd|-command|--command)\\x01|-(?:-[^=\\x01]+|[^-=\\x01][^=\\x01]*)\\x01[^-\\x01][^\\x01]*|[^\\x01]+"
{{- end -}}
{{- define "outrider.vocabulary.configurations" -}}
"[.](?:conf|cnf|cfg|ini|ya?ml|json)$"
{{- end -}}
{{- define "outrider.vocabulary.exporter" -}}
"(?:^|[-_.])exporters?(?:[-_.]|$)"
{{- end -}}
{{- define "outrider.vocabulary.folders" -}}
"(?:^|/)[^/.:]+/(?:v?[0-9][0-9a-z]*|(?:alpine|debian|ubuntu|bookworm|bullseye|slim|minimal|distroless|wolfi|photon|fips|amd64|arm64|arm64v8|arm|ppc64le|s390x|c8s|c9s|c10s|centos|el|fedora|rhel|ubi|micro|oss|ce|ee|community|enterprise|official|hardened|custom|server|srv|db|database|cache|master|slave|main|leader|primary|secondary|replica|replicas|replication|standalone|cluster|ha|node|member|broker|shard|sharded|data|store|service|svc|port|tcp|tls|ssl|kubernetes|k8s|docker|container|pod|follower|writer|reader|rw|ro|rs|session|sessions|queue|queues|prod|production|stage|staging|dev|development|test|qa|uat|live|demo|local|internal|base|image)[0-9]*)(?:[-_.]+(?:v?[0-9][0-9a-z]*|(?:alpine|debian|ubuntu|bookworm|bullseye|slim|minimal|distroless|wolfi|photon|fips|amd64|arm64|arm64v8|arm|ppc64le|s390x|c8s|c9s|c10s|centos|el|fedora|rhel|ubi|micro|oss|ce|ee|community|enterprise|official|hardened|custom|server|srv|db|database|cache|master|slave|main|leader|primary|secondary|replica|replicas|replication|standalone|cluster|ha|node|member|broker|shard|sharded|data|store|service|svc|port|tcp|tls|ssl|kubernetes|k8s|docker|container|pod|follower|writer|reader|rw|ro|rs|session|sessions|queue|queues|prod|production|stage|staging|dev|development|test|qa|uat|live|demo|local|internal|base|image)[0-9]*))*(?::[^/]*)?$"
{{- end -}}
{{- define "outrider.vocabulary.fronts" -}}
"^(?:(?:mirrored|mirror|library|docker|io|hub|alpine|debian|ubuntu|bookworm|bullseye|slim|minimal|distroless|wolfi|photon|fips|amd64|arm64|arm64v8|arm|ppc64le|s390x|c8s|c9s|c10s|centos|el|fedora|rhel|ubi|micro|oss|ce|ee|community|enterprise|official|hardened|custom)[0-9]*[-_.])*"
{{- end -}}
{{- define "outrider.vocabulary.holders" -}}
["db", "database", "store", "storage", "data", "cache"]
{{- end -}}
{{- define "outrider.vocabulary.idle" -}}
["sleep", "tail", "true", "false", ":", "cat", "echo", "printf", "date", "yes", "pause", "wait", "trap", "exit", "return", "break", "continue", "set", "export", "unset", "source", ".", "cd", "umask", "ulimit", "shift", "local", "read", "test", "[", "[[", "]", "]]", "for", "function", "cp", "mv", "rm", "ln", "mkdir", "touch", "chown", "chmod", "install", "find", "ls", "stat", "df", "du", "grep", "egrep", "sed", "awk", "head", "sort", "cut", "tr", "tee", "wc", "uniq", "tar", "gzip", "gunzip", "zstd", "curl", "wget", "nc", "ping", "dig", "nslookup", "getent", "hostname", "id", "whoami", "uname", "ps", "kill", "sysctl", "apk", "apt-get", "microdnf", "openssl", "envsubst", "mc", "aws", "gsutil", "rclone", "kubectl", "ssh", "autossh", "sshpass", "tsh", "boundary", "tailscale", "tailscaled", "cloudflared", "chisel", "gost", "socat", "rinetd"]
{{- end -}}
{{- define "outrider.vocabulary.metricsPorts" -}}
["metrics", "http-metrics", "https-metrics", "tcp-metrics", "prometheus", "prom", "http-prom", "http-prometheus", "monitoring", "prometheus-tls", "metrics-tls"]
{{- end -}}
{{- define "outrider.vocabulary.operand" -}}
"://|^/(?:etc|run|data|mnt|srv|var/(?:lib|log|run|cache|spool|opt|data|www))/[^/]+/*$"
{{- end -}}
{{- define "outrider.vocabulary.otherPorts" -}}
["http", "https", "web", "grpc", "metrics", "http-metrics", "prometheus", "health", "healthz", "admin", "ssh", "debug", "pprof"]
{{- end -}}
{{- define "outrider.vocabulary.otherPrograms" -}}
"(?:^|[-_.])(?:backup|backups|restore|dump|sentinel|arbiter|exporter|benchmark|cli|client|healthcheck|probe|migrate|migration|migrations|mirror|mirrormaker|connect|cruise|pgbackup|dbbackup|mysqlbackup|mongobackup|autobackup|backupdb|pgdump|dbdump|operator|cleanup|cron|crond|fix|proxy|tunnel)[0-9]*(?:[-_.]|$)"
{{- end -}}
{{- define "outrider.vocabulary.otherTags" -}}
"(?:^|[-_.])(?:cli|exporter|sentinel|operator|backup)[0-9]*(?:[-_.]|$)"
{{- end -}}
{{- define "outrider.vocabulary.others" -}}
"(?:^|[-_.])(?:exporter|exporters|operator|client|cli|shell|proxy|proxies|router|gateway|ingress|balancer|lb|bouncer|mesh|tunnel|forwarder|adapter|bridge|connect|connector|connectors|sync|fix|ui|gui|admin|commander|insight|redisinsight|dashboard|console|browser|express|explorer|manager|monitor|monitoring|metrics|agent|controller|webhook|reloader|sentinel|arbiter|backup|backups|restore|dump|archiver|cron|job|cleaner|cleanup|init|initializer|migrate|migrator|migration|migrations|seed|bootstrap|setup|tool|tools|toolbox|utils|benchmark|bench|loadgen|probe|healthcheck|sidecar|registry|rest|mirrormaker|mcp|pgpool|pgcat|pgdog|pgagroal|odyssey|supavisor|spqr|proxysql|maxscale|vtgate|mcrouter|twemproxy|nutcracker|predixy|codis|envoy|proxyv|toxiproxy|stunnel|ghostunnel|socat|gost|kong|tyk|linkerd|skipper|hitch|keepalived|ambassador|contour|phpmyadmin|pgadmin|adminer|pgweb|pghero|akhq|kafdrop|kowl|cmak|kibana|cerebro|elasticvue|dejavu|grafana|metabase|postgrest|hasura|readyset|tailscale|headscale|netbird|twingate|cloudflared|ngrok|inlets|autossh|sshuttle|chisel|boundary|ziti|wireguard|openvpn|teleport|debezium|logstash|filebeat|metricbeat|fluentd|fluentbit|ferretdb|dolt|redpanda|kroxylicious|crate|cratedb|immudb|busybox|pause|cedardb|doltgresql|yugabyte|yugabytedb|materialize|materialized|environmentd|risingwave|greptimedb|databend|tidb|oceanbase|starrocks|doris|manticore|manticoresearch|memsql|singlestore|zincsearch|quickwit|openobserve|documentdb|ray)[0-9]*(?:[-_.]|$)"
{{- end -}}
{{- define "outrider.vocabulary.othersOfPorts" -}}
"(?:^|[-_.])(?:exporter|exporters|operator|cli|shell|proxy|proxies|router|gateway|ingress|balancer|lb|bouncer|mesh|tunnel|forwarder|adapter|bridge|connect|connector|connectors|sync|fix|ui|gui|admin|commander|insight|redisinsight|dashboard|console|browser|express|explorer|manager|monitor|monitoring|metrics|agent|controller|webhook|reloader|sentinel|arbiter|backup|backups|restore|dump|archiver|cron|job|cleaner|cleanup|init|initializer|migrate|migrator|migration|migrations|seed|bootstrap|setup|tool|tools|toolbox|utils|benchmark|bench|loadgen|probe|healthcheck|sidecar|registry|rest|mirrormaker|mcp|pgpool|pgcat|pgdog|pgagroal|odyssey|supavisor|spqr|proxysql|maxscale|vtgate|mcrouter|twemproxy|nutcracker|predixy|codis|envoy|proxyv|toxiproxy|stunnel|ghostunnel|socat|gost|kong|tyk|linkerd|skipper|hitch|keepalived|ambassador|contour|phpmyadmin|pgadmin|adminer|pgweb|pghero|akhq|kafdrop|kowl|cmak|kibana|cerebro|elasticvue|dejavu|grafana|metabase|postgrest|hasura|readyset|tailscale|headscale|netbird|twingate|cloudflared|ngrok|inlets|autossh|sshuttle|chisel|boundary|ziti|wireguard|openvpn|teleport|debezium|logstash|filebeat|metricbeat|fluentd|fluentbit|ferretdb|dolt|redpanda|kroxylicious|crate|cratedb|immudb|busybox|pause|cedardb|doltgresql|yugabyte|yugabytedb|materialize|materialized|environmentd|risingwave|greptimedb|databend|tidb|oceanbase|starrocks|doris|manticore|manticoresearch|memsql|singlestore|zincsearch|quickwit|openobserve|documentdb|ray)[0-9]*(?:[-_.]|$)"
{{- end -}}
{{- define "outrider.vocabulary.passed" -}}
"^-|=|\\x01|^[0-9.,:]+[smhd]?$|^(?s:.*/)?(?:docker-entrypoint\\.sh|entrypoint\\.sh|docker-entrypoint|entrypoint|tini|dumb-init|catatonit|env|exec|nohup|time|timeout|nice|ionice|taskset|numactl|chrt|stdbuf|setsid|setpriv|runuser|sudo|doas|su-exec|gosu|setuidgid|s6-setuidgid|chpst|chroot|with-contenv|vault-env|dockerize|eval|xargs|case|if|then|elif|else|fi|while|until|do|done|esac|!|\\{|\\}|\\(|\\)|--|sh|bash|ash|dash|zsh|ksh|su|shell)/*$"
{{- end -}}
{{- define "outrider.vocabulary.passwords" -}}
"(?i)PASS|PWD|(?:^|_)(?:PW|AUTH)$"
{{- end -}}
{{- define "outrider.vocabulary.portTails" -}}
"(?:-port|-svc|-service|-server|-srv|-tcp)*$"
{{- end -}}
{{- define "outrider.vocabulary.positional" -}}
"[$][{]?[@*0-9]"
{{- end -}}
{{- define "outrider.vocabulary.proxies" -}}
["pgbouncer", "haproxy", "traefik", "envoy", "squid", "varnish", "nginx", "openresty", "kong", "caddy"]
{{- end -}}
{{- define "outrider.vocabulary.script" -}}
"^(?:[^\\x01]*\\x01)*?(?:[^\\x01]*/)?(?:(?:sh|bash|ash|dash|zsh|ksh|su|shell)/*\\x01(?:[-+][oO]\\x01[^\\x01]*\\x01|[-+][^\\x01]*\\x01)*?|su/*\\x01(?:[^\\x01]*\\x01)*?)(?:-(?:[^-\\x01][^\\x01]*)?c|-[cefiluvx]*c[cefiluvx]*)\\x01(?:-[^\\x01]*\\x01)*"
{{- end -}}
{{- define "outrider.vocabulary.shell" -}}
"^(?s:.*/)?(?:sh|bash|ash|dash|zsh|ksh|su|shell)/*$"
{{- end -}}
{{- define "outrider.vocabulary.stores" -}}
["db", "database", "store", "storage", "data", "cache", "sql"]
{{- end -}}
{{- define "outrider.vocabulary.tails" -}}
"[0-9]*(?:[-_.]+(?:v?[0-9][0-9a-z]*|(?:alpine|debian|ubuntu|bookworm|bullseye|slim|minimal|distroless|wolfi|photon|fips|amd64|arm64|arm64v8|arm|ppc64le|s390x|c8s|c9s|c10s|centos|el|fedora|rhel|ubi|micro|oss|ce|ee|community|enterprise|official|hardened|custom|server|srv|db|database|cache|master|slave|main|leader|primary|secondary|replica|replicas|replication|standalone|cluster|ha|node|member|broker|shard|sharded|data|store|service|svc|port|tcp|tls|ssl|kubernetes|k8s|docker|container|pod|follower|writer|reader|rw|ro|rs|session|sessions|queue|queues|prod|production|stage|staging|dev|development|test|qa|uat|live|demo|local|internal|base|image)[0-9]*))*$"
{{- end -}}
{{- define "outrider.vocabulary.tools" -}}
"(?:^|[-_.])(?:exporter|exporters|operator|client|cli|shell|proxy|proxies|router|gateway|ingress|balancer|lb|bouncer|mesh|tunnel|forwarder|adapter|bridge|connect|connector|connectors|sync|fix|commander|redisinsight|express|agent|reloader|sentinel|arbiter|backup|backups|restore|dump|archiver|cron|job|cleaner|cleanup|init|initializer|migrate|migrator|migration|migrations|seed|bootstrap|setup|tool|tools|toolbox|utils|benchmark|bench|loadgen|probe|healthcheck|sidecar|rest|mirrormaker|mcp|pgpool|pgcat|pgdog|pgagroal|odyssey|supavisor|spqr|proxysql|maxscale|vtgate|mcrouter|twemproxy|nutcracker|predixy|codis|envoy|proxyv|toxiproxy|stunnel|ghostunnel|socat|gost|kong|tyk|linkerd|skipper|hitch|keepalived|ambassador|contour|phpmyadmin|pgadmin|adminer|pgweb|pghero|akhq|kafdrop|kowl|cmak|cerebro|elasticvue|dejavu|postgrest|readyset|tailscale|headscale|netbird|twingate|cloudflared|ngrok|inlets|autossh|sshuttle|chisel|boundary|ziti|wireguard|openvpn|filebeat|metricbeat|fluentd|fluentbit|ferretdb|dolt|redpanda|kroxylicious|crate|cratedb|immudb|busybox|pause|cedardb|doltgresql|yugabyte|yugabytedb|materialize|materialized|environmentd|risingwave|greptimedb|databend|tidb|oceanbase|starrocks|doris|manticore|manticoresearch|memsql|singlestore|zincsearch|quickwit|openobserve|documentdb)[0-9]*(?:[-_.]|$)"
{{- end -}}
{{- define "outrider.vocabulary.variants" -}}
"[0-9]*(?:[-_.]+(?:v?[0-9][0-9a-z]*|(?:alpine|debian|ubuntu|bookworm|bullseye|slim|minimal|distroless|wolfi|photon|fips|amd64|arm64|arm64v8|arm|ppc64le|s390x|c8s|c9s|c10s|centos|el|fedora|rhel|ubi|micro|oss|ce|ee|community|enterprise|official|hardened|custom)[0-9]*))*$"
{{- end -}}
{{- define "outrider.vocabulary.webPorts" -}}
["80", "443", "8080", "8443"]
{{- end -}}
{{- define "outrider.vocabulary.words" -}}
"(?:[^\\x01]*/)?(?:su-exec|gosu|setuidgid|s6-setuidgid|chroot)/*\\x01[^\\x01]*|(?:-u|-g|--user|--group|--reuid|--regid)\\x01[^\\x01]*|[^\\x01]+"
{{- end -}}
