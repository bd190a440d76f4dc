{{/*
prometheus.yml. It is in a ConfigMap, which more people may read than a Secret, so passwords in it are refused.
Retention is here rather than in flags, so that a change of it is a reload and not a restart.
*/}}
{{- define "outrider.prometheus.config" -}}
{{- $p := .Values.prometheus -}}
{{- $server := eq $p.mode "server" -}}
{{- if not (or $server $p.remoteWrite) -}}
{{- fail "prometheus.mode is agent and prometheus.remoteWrite is empty, so that what is scraped would go nowhere: add an entry with the url of your store to prometheus.remoteWrite, or set prometheus.mode to server" -}}
{{- end -}}
global:
  scrape_interval: {{ $p.scrapeInterval }}
  {{- if $server }}
  evaluation_interval: {{ $p.scrapeInterval }}
  {{- end }}
  external_labels:
    {{- merge (dict $p.replicaLabel "${POD_NAME}") $p.externalLabels | toYaml | nindent 4 }}
{{- if $server }}
storage:
  tsdb:
    retention:
      time: {{ $p.retention.time }}
      size: {{ $p.retention.size }}
  {{- with $p.exemplars }}
  exemplars:
    max_exemplars: {{ int . }}
  {{- end }}
rule_files:
  - /etc/prometheus-rules/*.yaml
{{- if .Values.alertmanager.enabled }}
alerting:
  alert_relabel_configs:
    # Copies raise the same alerts: without the label that tells them apart, Alertmanager sees one.
    - regex: {{ $p.replicaLabel }}
      action: labeldrop
  alertmanagers:
    - {{ include "outrider.prometheus.alertmanager" . | nindent 6 | trim }}
{{- end }}
{{- end }}
scrape_config_files:
  - scrape-*.yaml
{{- with $p.extraScrapeConfigSecret }}
  - /etc/prometheus-extra/*.yaml
{{- end }}
{{- with $p.remoteWrite }}
remote_write:
  {{- include "outrider.prometheus.remote" (dict "key" "remoteWrite" "entries" .) | nindent 2 }}
{{- end }}
{{- if $server }}
{{- with $p.remoteRead }}
remote_read:
  {{- include "outrider.prometheus.remote" (dict "key" "remoteRead" "entries" .) | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Every copy of Alertmanager is told: they settle among themselves who sends. */}}
{{- define "outrider.prometheus.alertmanager" -}}
{{- $c := dict "root" . "name" "alertmanager" "values" .Values.alertmanager -}}
{{ include "outrider.webClient" $c -}}
kubernetes_sd_configs:
  - role: pod
    namespaces:
      names: [{{ .Release.Namespace }}]
    selectors:
      - role: pod
        label: {{ include "outrider.selectorLabels" $c | fromYaml | toJson | replace ":" "=" | replace "\"" "" | trimPrefix "{" | trimSuffix "}" }}
relabel_configs:
  - source_labels: [__meta_kubernetes_pod_container_port_name]
    regex: http
    action: keep
{{- end -}}

{{/* Entries of remote_write or remote_read, none of them with a secret. */}}
{{- define "outrider.prometheus.remote" -}}
{{- include "outrider.prometheus.refuseSecrets" (dict "where" (printf "prometheus.%s" .key) "value" .entries) -}}
{{- toYaml .entries -}}
{{- end -}}

{{/*
Flags by which the two modes differ. A pod of one shard among several takes the file of its own ordinal.
*/}}
{{- define "outrider.prometheus.args" -}}
{{- $p := .values -}}
- --config.file=/etc/prometheus/prometheus{{ if gt (int $p.shards) 1 }}-$(POD_INDEX){{ end }}.yml
- --config.auto-reload
- --config.auto-reload-interval=10s
{{- if eq $p.mode "agent" }}
- --agent
- --storage.agent.path=/prometheus
{{- else }}
- --storage.tsdb.path=/prometheus
{{- if $p.exemplars }}
- --enable-feature=exemplar-storage
{{- end }}
{{- end }}
- --web.listen-address=:9090
- --web.external-url={{ $p.externalURL | default (include "outrider.webURL" .) }}
- --web.route-prefix=/
{{- if $p.web.configSecret }}
- --web.config.file=/etc/prometheus-web/web-config.yaml
{{- end }}
{{- with $p.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
A scrape file for one shard of several. Each job keeps its part, before its other rules: what discovery says of where a
target is (the pod, or else the node) decides, so that one pod's or one node's targets stay together, and so do the
addresses of an endpoint that has neither.
*/}}
{{- define "outrider.prometheus.shard" -}}
{{- $rules := printf `${1}relabel_configs:
${1}  - source_labels: [__meta_kubernetes_pod_uid, __meta_kubernetes_node_name]
${1}    modulus: %d
${1}    target_label: __tmp_shard
${1}    action: hashmod
${1}  - source_labels: [__tmp_shard]
${1}    regex: "%d"
${1}    action: keep
` (int .shards) (int .shard) -}}
{{- regexReplaceAll `(?m)^( +)relabel_configs:\n` .text $rules -}}
{{- end -}}

{{/* Alertmanager's password, where it asks for one: Prometheus is its client. */}}
{{- define "outrider.prometheus.logsIn" -}}
{{- $a := .Values.alertmanager -}}
{{- if and (eq .Values.prometheus.mode "server") $a.enabled $a.web.configSecret $a.web.user }}true{{ end -}}
{{- end -}}

{{- define "outrider.prometheus.alertmanagerMount" -}}
{{- if include "outrider.prometheus.logsIn" . }}
- name: alertmanager-web
  mountPath: /etc/alertmanager-web
  readOnly: true
{{- end }}
{{- end -}}

{{- define "outrider.prometheus.alertmanagerVolume" -}}
{{- if include "outrider.prometheus.logsIn" . }}
- name: alertmanager-web
  secret:
    secretName: {{ .Values.alertmanager.web.configSecret }}
    items: [{key: password, path: password}]
{{- end }}
{{- end -}}

{{/* A duration as Prometheus writes it, in whole seconds. */}}
{{- define "outrider.prometheus.seconds" -}}
{{- $units := dict "ms" 0 "s" 1 "m" 60 "h" 3600 "d" 86400 "w" 604800 "y" 31536000 -}}
{{- $seconds := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 -}}
{{- $seconds = add $seconds (mul (regexFind "^[0-9]+" . | int) (get $units (regexFind "[a-z]+$" .))) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}
