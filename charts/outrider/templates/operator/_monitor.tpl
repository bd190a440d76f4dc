{{/* Metadata of an object for the Prometheus Operator: with the labels by which its Prometheus finds it. */}}
{{- define "outrider.monitorMetadata" -}}
name: {{ include "outrider.name" . }}
namespace: {{ include "outrider.namespace" .root | quote }}
labels:
  {{- merge (include "outrider.labels" . | fromYaml) .root.Values.discovery.monitorLabels | toYaml | nindent 2 }}
{{- end -}}

{{/* Rules of a scrape job in the operator's words. */}}
{{- define "outrider.relabelings" -}}
{{- $words := dict "source_labels" "sourceLabels" "target_label" "targetLabel" -}}
{{- range . }}
{{- $rule := dict }}
{{- range $key, $value := . }}
{{- $_ := set $rule (get $words $key | default $key) $value }}
{{- end }}
- {{ toYaml $rule | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{/* A Service of a component's metrics, for its ServiceMonitor to find. */}}
{{- define "outrider.metricsService" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "outrider.metadata" . | nindent 2 }}
spec:
  clusterIP: None
  selector:
    {{- include "outrider.selectorLabels" . | nindent 4 }}
  ports:
    - name: {{ .port }}
      port: {{ .number }}
      targetPort: {{ .port }}
      appProtocol: http
{{- end -}}

{{/*
A ServiceMonitor of a component, which gives the labels that the bundled Prometheus gives. series says what its metrics
are about: pod (itself), node, or object (the cluster's objects, whose labels the metrics have already).
*/}}
{{- define "outrider.serviceMonitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "outrider.monitorMetadata" . | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- include "outrider.selectorLabels" . | nindent 6 }}
  endpoints:
    - port: {{ .port }}
      {{- if or .labels (eq .series "object") }}
      honorLabels: true
      {{- end }}
      relabelings:
        - regex: namespace|service|pod|container|endpoint
          action: labeldrop
        - targetLabel: job
          replacement: {{ .job }}
        {{- if eq .series "pod" }}
        - sourceLabels: [__meta_kubernetes_namespace]
          targetLabel: namespace
        - sourceLabels: [__meta_kubernetes_pod_name]
          targetLabel: pod
        - sourceLabels: [__meta_kubernetes_pod_container_name]
          targetLabel: container
        {{- end }}
        {{- if eq .series "node" }}
        - sourceLabels: [__meta_kubernetes_pod_node_name]
          targetLabel: instance
        {{- end }}
        {{- if ne .series "object" }}
        - sourceLabels: [__meta_kubernetes_pod_node_name]
          targetLabel: node
        {{- end }}
{{- end -}}

{{/*
A PodMonitor with those of the scrape jobs that have one limit of samples: a PodMonitor has one, and a scrape job too. root, name, limit.
*/}}
{{- define "outrider.podMonitor" -}}
{{- $limit := int64 .limit -}}
{{- $jobs := .root.Files.Get "files/jobs.yaml" | fromYamlArray -}}
{{- $first := first $jobs -}}
# The scrape jobs for what is monitored, as package discovery has them, in the operator's words. The API server selects the
# pods, and so discovery costs what is monitored.
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  {{- include "outrider.monitorMetadata" . | nindent 2 }}
spec:
  selector:
    matchLabels:
      {{- $selector := splitList "=" (first (first $first.kubernetes_sd_configs).selectors).label }}
      {{ first $selector }}: {{ last $selector | quote }}
  selectorMechanism: RoleSelector
  namespaceSelector:
    any: true
  sampleLimit: {{ $limit }}
  {{- range $theirs, $ours := dict "labelLimit" "label_limit" "labelNameLengthLimit" "label_name_length_limit" "labelValueLengthLimit" "label_value_length_limit" "bodySizeLimit" "body_size_limit" "keepDroppedTargets" "keep_dropped_targets" "targetLimit" "target_limit" }}
  {{- if hasKey $first $ours }}
  {{ $theirs }}: {{ get $first $ours | toJson | replace "\"" "" }}
  {{- end }}
  {{- end }}
  podMetricsEndpoints:
    {{- range $jobs }}
    {{- if eq (int64 .sample_limit) $limit }}
    - honorLabels: {{ .honor_labels }}
      honorTimestamps: {{ .honor_timestamps }}
      followRedirects: {{ .follow_redirects }}
      {{- with .tls_config }}
      tlsConfig:
        insecureSkipVerify: {{ .insecure_skip_verify }}
      {{- end }}
      filterRunning: false # a rule of the job's own drops pods that have ended
      relabelings:
        # The operator sets container for every target, the job only where a container serves the metrics.
        - regex: container
          action: labeldrop
        {{- include "outrider.relabelings" .relabel_configs | trim | nindent 8 }}
      {{- with .metric_relabel_configs }}
      metricRelabelings:
        {{- include "outrider.relabelings" . | trim | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- end }}
{{- end -}}
