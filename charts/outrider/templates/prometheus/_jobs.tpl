{{/*
The scrape jobs for what is monitored, as package discovery has them, with the limits of the values.
*/}}
{{- define "outrider.scrape.workloads" -}}
{{- $limits := include "outrider.scrape.limits" . | fromYaml -}}
{{- $jobs := .Files.Get "files/jobs.yaml" | fromYamlArray -}}
{{- range $job := $jobs -}}
{{- $own := int64 $job.sample_limit -}}
{{- range $key, $value := $limits }}{{ $_ := set $job $key $value }}{{ end -}}
{{- if and (hasPrefix "outrider-exporters-" $job.job_name) (or (not $job.sample_limit) (lt $own (int64 $job.sample_limit))) }}{{ $_ := set $job "sample_limit" $own }}{{ end -}}
{{- end -}}
{{- toYaml $jobs -}}
{{- end -}}

{{/*
Their text, comments included, for people who copy it into the configuration of a Prometheus of their own.
*/}}
{{- define "outrider.jobs" -}}
{{- range $i, $line := .Files.Get "files/jobs.yaml" | trimSuffix "\n" | splitList "\n" -}}
{{- if $i }}{{ "\n" }}{{ end -}}
{{- with $line }}{{ indent 2 . }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* What a scrape of a target may bring that is not chosen by the cluster's administrator. */}}
{{- define "outrider.scrape.limits" -}}
{{- $limits := .Values.scrape.limits -}}
body_size_limit: {{ $limits.bodySize }}
sample_limit: {{ int64 $limits.samples }}
label_limit: {{ int64 $limits.labels }}
label_name_length_limit: {{ int64 $limits.labelNameLength }}
label_value_length_limit: {{ int64 $limits.labelValueLength }}
target_limit: {{ int64 $limits.targets }}
{{- end -}}

{{/*
How a job of one of our own components begins. kubernetes_sd_configs is the same text in each of them: Prometheus then
runs one discovery, which asks for the pods of this release and no others, and shares it among the jobs.
*/}}
{{- define "outrider.prometheus.jobHead" -}}
- job_name: {{ .job }}
  kubernetes_sd_configs:
    - role: pod
      namespaces:
        names: [{{ include "outrider.namespace" .root | quote }}]
      selectors:
        - role: pod
          label: {{ include "outrider.labelSelector" (dict "root" .root) }}
{{- end -}}

{{/* Keeps the component's port, of pods that have not ended. */}}
{{- define "outrider.prometheus.keep" -}}
- source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_component, __meta_kubernetes_pod_container_port_name]
  separator: /
  regex: {{ .component }}/{{ .port }}
  action: keep
- source_labels: [__meta_kubernetes_pod_phase]
  regex: Succeeded|Failed
  action: drop
{{- end -}}

{{/*
A component that reports on itself: its pod is what the series are about. With labels, some of them are about others, whose
namespace and pod they name themselves.
*/}}
{{- define "outrider.prometheus.podJob" -}}
{{ include "outrider.prometheus.jobHead" . }}
{{- if .token }}
  {{- include "outrider.scrape.token" . | nindent 2 }}
{{- end }}
{{- if .labels }}
  honor_labels: true
{{- end }}
{{- if (.values).web }}
  {{- with include "outrider.webPrefix" . }}
  metrics_path: {{ . }}/metrics
  {{- end }}
  {{- with include "outrider.webClient" (dict "name" (.client | default .component) "values" .values) | trim }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
  relabel_configs:
    {{- include "outrider.prometheus.keep" . | nindent 4 }}
    - source_labels: [__meta_kubernetes_namespace]
      target_label: namespace
    - source_labels: [__meta_kubernetes_pod_name]
      target_label: pod
    - source_labels: [__meta_kubernetes_pod_container_name]
      target_label: container
    - source_labels: [__meta_kubernetes_pod_node_name]
      target_label: node
    {{- range $shard := until (int (.shards | default 0)) }}
    {{- $ordinals := list }}
    {{- range $copy := until (int $.root.Values.prometheus.replicas) }}{{ $ordinals = append $ordinals (add $shard (mul $copy (int $.shards))) }}{{ end }}
    - source_labels: [__meta_kubernetes_pod_label_apps_kubernetes_io_pod_index]
      regex: {{ join "|" $ordinals | quote }}
      target_label: shard
      replacement: {{ $shard | quote }}
    {{- end }}
{{- end -}}

{{/* Reports on the node: the node is the instance, and a new pod of the DaemonSet does not begin new series. */}}
{{- define "outrider.prometheus.nodeExporterJob" -}}
{{- $job := dict "root" . "job" "node-exporter" "component" "node-exporter" "port" "metrics" -}}
{{ include "outrider.prometheus.jobHead" $job }}
  relabel_configs:
    {{- include "outrider.prometheus.keep" $job | nindent 4 }}
    - source_labels: [__meta_kubernetes_pod_node_name]
      target_label: instance
    - source_labels: [__meta_kubernetes_pod_node_name]
      target_label: node
{{- end -}}

{{/*
Reports on every object: namespace, pod, container and node in its metrics are the objects' own, hence honor_labels,
and its own whereabouts are not added, since they would stand in every series that has no such label.
*/}}
{{- define "outrider.prometheus.kubeStateMetricsJob" -}}
{{- $job := dict "root" . "job" "kube-state-metrics" "component" "kube-state-metrics" "port" "metrics" -}}
{{ include "outrider.prometheus.jobHead" $job }}
  honor_labels: true
  relabel_configs:
    {{- include "outrider.prometheus.keep" $job | nindent 4 }}
{{- end -}}

{{/* The jobs of what this release consists of. One that is not there has no job, rather than one without a target. */}}
{{- define "outrider.scrape.components" -}}
{{ include "outrider.prometheus.podJob" (dict "root" $ "job" "outrider-controller" "component" "controller" "port" "metrics" "labels" true) }}
{{- if include "outrider.webhook.on" . }}
{{ include "outrider.prometheus.podJob" (dict "root" $ "job" "outrider-webhook" "component" "webhook" "port" "metrics" "labels" true) }}
{{- end }}
{{ include "outrider.prometheus.podJob" (dict "root" $ "job" "prometheus" "component" "prometheus" "port" "http" "values" .Values.prometheus "shards" (ternary .Values.prometheus.shards 0 (ne (include "outrider.thanos.rules" .) ""))) }}
{{- range include "outrider.thanos.jobs" . | fromYamlArray }}
{{ include "outrider.prometheus.podJob" (merge (dict "root" $) .) }}
{{- end }}
{{- if .Values.nodeExporter.enabled }}
{{ include "outrider.prometheus.nodeExporterJob" . }}
{{- end }}
{{- if .Values.kubeStateMetrics.enabled }}
{{ include "outrider.prometheus.kubeStateMetricsJob" . }}
{{- end }}
{{- range list
      (dict "job" "alertmanager" "port" "http" "values" .Values.alertmanager)
      (dict "job" "grafana" "port" "http" "values" .Values.grafana)
      (dict "job" "blackbox-exporter" "port" "http" "values" .Values.blackboxExporter)
      (dict "job" "metrics-server" "port" "https" "token" true "values" .Values.metricsServer) }}
{{- if and (.values).enabled (or (ne .job "alertmanager") (include "outrider.alertmanager.enabled" $)) }}
{{ include "outrider.prometheus.podJob" (merge (dict "root" $ "component" .job) .) }}
{{- end }}
{{- end }}
{{- end -}}
