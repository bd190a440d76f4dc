{{/*
Prometheus' files as data: a file's name, and what it contains. The ConfigMaps make text of it, once.
*/}}
{{- define "outrider.prometheus.files" -}}
{{- $names := list -}}
{{- $files := dict "prometheus.yml" (include "outrider.prometheus.config" . | fromYaml) -}}
{{- range $part := list "workloads" "cluster" "components" "optional" -}}
{{- with include (printf "outrider.scrape.%s" $part) $ | fromYamlArray -}}
{{- range . }}{{ $names = append $names .job_name }}{{ include "outrider.scrape.configure" (dict "root" $ "job" . "part" $part) }}{{ end -}}
{{- $_ := set $files (printf "scrape-%s.yaml" $part) (dict "scrape_configs" .) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.scrape.settings -}}
{{- if not (has $name $names) }}{{ fail (printf "scrape.settings: there is no job %q; there are %s" $name (join ", " $names)) }}{{ end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* What scrape.settings says of a job, and the labels of its targets' namespaces. It changes the job. */}}
{{- define "outrider.scrape.configure" -}}
{{- $job := .job -}}
{{- $settings := get .root.Values.scrape.settings $job.job_name | default (get .root.Values.scrape.settings (regexReplaceAll "^(outrider-exporters)-[0-9]+$" $job.job_name "${1}")) | default dict -}}
{{- range $key := list "interval" "timeout" -}}
{{- with get $settings $key }}{{ if regexMatch "^(0+[a-z]+)+$" . }}{{ fail (printf "scrape.settings.%s.%s is %s: write a longer one, such as 30s" $job.job_name $key .) }}{{ end }}{{ end -}}
{{- end -}}
{{- with $settings.interval }}{{ $_ := set $job "scrape_interval" . }}{{ end -}}
{{- with $settings.timeout }}{{ $_ := set $job "scrape_timeout" . }}{{ end -}}
{{- $interval := get $job "scrape_interval" | default .root.Values.prometheus.scrapeInterval -}}
{{- if and $settings.timeout (gt (include "outrider.prometheus.seconds" $settings.timeout | int64) (include "outrider.prometheus.seconds" $interval | int64)) -}}
{{- fail (printf "scrape.settings.%s: the timeout %s is longer than the interval %s" $job.job_name $settings.timeout $interval) -}}
{{- end -}}
{{- range $action := list "keep" "drop" -}}
{{- with get $settings $action -}}
{{- $rule := dict "source_labels" (list "__name__") "regex" (join "|" .) "action" $action -}}
{{- $_ := set $job "metric_relabel_configs" (append (get $job "metric_relabel_configs" | default list) $rule) -}}
{{- end -}}
{{- end -}}
{{- if or (eq .part "workloads") (hasPrefix "annotated-" $job.job_name) -}}
{{- range $label := .root.Values.scrape.namespaceLabels -}}
{{- range $job.kubernetes_sd_configs }}{{ $_ := set . "attach_metadata" (dict "namespace" true) }}{{ end -}}
{{- $name := regexReplaceAll "[^a-zA-Z0-9_]" $label "_" -}}
{{- if has $name (list "job" "instance" "namespace" "pod" "container" "node") -}}
{{- fail (printf "scrape.namespaceLabels: %s is a label that every target has already; choose another one" $label) -}}
{{- end -}}
{{- $rule := dict "source_labels" (list (printf "__meta_kubernetes_namespace_label_%s" $name)) "regex" "(.+)" "target_label" $name -}}
{{- $_ := set $job "relabel_configs" (append $job.relabel_configs $rule) -}}
{{- end -}}
{{- end -}}
{{- end -}}

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
{{- if regexMatch "^(0+[a-z]+)+$" $p.scrapeInterval -}}
{{- fail (printf "prometheus.scrapeInterval is %s: write how long Prometheus waits between two scrapes, such as 30s" $p.scrapeInterval) -}}
{{- end -}}
{{- range $key := list "remoteWrite" "remoteRead" "alertmanagers" -}}
{{- include "outrider.prometheus.refuseSecrets" (dict "where" (printf "prometheus.%s" $key) "value" (get $p $key)) -}}
{{- end -}}
{{- $global := dict "scrape_interval" $p.scrapeInterval "external_labels" (merge (dict $p.replicaLabel "${POD_NAME}") $p.externalLabels) -}}
{{- if $p.features.nativeHistograms }}{{ $_ := set $global "scrape_native_histograms" true }}{{ end -}}
{{- $files := list "scrape-*.yaml" -}}
{{- if $p.extraScrapeConfigSecret }}{{ $files = append $files "/etc/prometheus-extra/*.yaml" }}{{ end -}}
{{- $monitors := include "outrider.monitors.on" . -}}
{{- if $monitors }}{{ $files = append $files "/etc/prometheus-monitors/scrape.yaml" }}{{ end -}}
{{- $config := dict "global" $global "scrape_config_files" $files -}}
{{- with $p.remoteWrite }}{{ $_ := set $config "remote_write" . }}{{ end -}}
{{- if $server -}}
{{- $_ := set $global "evaluation_interval" $p.scrapeInterval -}}
{{- $rules := concat (list "/etc/prometheus-rules/*.yaml") (ternary (list "/etc/prometheus-monitors/rules.yaml") list (ne $monitors "")) -}}
{{- if include "outrider.thanos.rules" . }}{{ $rules = list "/etc/prometheus-rules/thanos-down.prometheus" }}{{ end -}}{{/* the ruler has the rest */ -}}
{{- $_ := set $config "rule_files" $rules -}}
{{- $_ := set $config "storage" (include "outrider.prometheus.storage" . | fromYaml) -}}
{{- with include "outrider.prometheus.alertmanagers" . | fromYamlArray -}}
{{- $drop := dict "regex" $p.replicaLabel "action" "labeldrop" -}}{{/* copies raise the same alerts: Alertmanager sees one */ -}}
{{- $_ := set $config "alerting" (dict "alert_relabel_configs" (list $drop) "alertmanagers" .) -}}
{{- end -}}
{{- with $p.remoteRead }}{{ $_ := set $config "remote_read" . }}{{ end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- define "outrider.prometheus.storage" -}}
tsdb:
  retention:
    time: {{ ternary .Values.thanos.localRetention .Values.prometheus.retention.time (ne (include "outrider.thanos.stores" .) "") }}
    {{- with .Values.prometheus.retention.size }}
    size: {{ . }}
    {{- end }}
{{- with .Values.prometheus.outOfOrderTimeWindow }}
  out_of_order_time_window: {{ . }}
{{- end }}
{{- with .Values.prometheus.exemplars }}
exemplars:
  max_exemplars: {{ int64 . }}
{{- end }}
{{- end -}}

{{/* Alertmanagers that get the alerts: every copy of this release's, which settle among themselves who sends, and further ones. */}}
{{- define "outrider.prometheus.alertmanagers" -}}
{{- if .Values.alertmanager.enabled -}}
{{- $c := dict "root" . "name" "alertmanager" "values" .Values.alertmanager -}}
- kubernetes_sd_configs:
    - role: pod
      namespaces:
        names: [{{ include "outrider.namespace" . | quote }}]
      selectors:
        - role: pod
          label: {{ include "outrider.labelSelector" $c }}
  relabel_configs:
    - source_labels: [__meta_kubernetes_pod_container_port_name]
      regex: http
      action: keep
  {{- with include "outrider.webPrefix" $c }}
  path_prefix: {{ . }}
  {{- end }}
  {{- with include "outrider.webClient" $c | trim }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
{{- with .Values.prometheus.alertmanagers }}
{{ toYaml . }}
{{- end }}
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
{{- if include "outrider.thanos.stores" .root }}
- --storage.tsdb.min-block-duration=2h
- --storage.tsdb.max-block-duration=2h
{{- end }}
{{- if $p.features.otlpReceiver }}
- --web.enable-otlp-receiver
{{- end }}
{{- if $p.features.remoteWriteReceiver }}
- --web.enable-remote-write-receiver
{{- end }}
{{- if $p.exemplars }}
- --enable-feature=exemplar-storage
{{- end }}
{{- end }}
- --web.listen-address=:9090
- {{ printf "--web.external-url=%s" ($p.externalURL | default (include "outrider.webURL" .)) | quote }}
- --web.route-prefix=/
{{- if $p.web.configSecret }}
- --web.config.file=/etc/prometheus-web/web-config.yaml
{{- end }}
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
    secretName: {{ .Values.alertmanager.web.configSecret | quote }}
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
