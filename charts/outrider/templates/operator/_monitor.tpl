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
