{{/* The Prometheus that the controller asks whether exporters are up; empty for none. */}}
{{- define "outrider.controller.prometheusURL" -}}
{{- if .Values.controller.prometheusURL -}}
{{ .Values.controller.prometheusURL }}
{{- else if eq .Values.discovery.mode "bundled" -}}
http://{{ include "outrider.name" (dict "root" . "name" "prometheus") }}.{{ .Release.Namespace }}.svc:9090
{{- end -}}
{{- end -}}
