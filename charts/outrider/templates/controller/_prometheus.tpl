{{/*
The address that the controller asks whether exporters are up; empty for none. Of this release's it can ask only one that answers
queries for all targets.
*/}}
{{- define "outrider.controller.prometheusURL" -}}
{{- if .Values.controller.prometheusURL -}}
{{ .Values.controller.prometheusURL }}
{{- else if include "outrider.controller.asksOurs" . -}}
{{ include "outrider.webURL" (merge (dict "root" .) (include "outrider.answering" . | fromYaml)) }}
{{- end -}}
{{- end -}}

{{- define "outrider.controller.asksOurs" -}}
{{- $p := .Values.prometheus -}}
{{- if and (not .Values.controller.prometheusURL) (eq .Values.discovery.mode "bundled") (eq $p.mode "server") (or (eq (int $p.shards) 1) .Values.thanos.enabled) }}true{{ end -}}
{{- end -}}

{{/* How it asks a server with a web configuration. */}}
{{- define "outrider.controller.prometheusArgs" -}}
{{- if include "outrider.controller.asksOurs" . -}}
{{- if eq .Values.prometheus.web.scheme "https" }}
- --prometheus-skip-verify # no certificate names the Service
{{- end }}
{{- with .Values.prometheus.web.user }}
- {{ printf "--prometheus-user=%s" . | quote }}
- --prometheus-password-file=/etc/prometheus-web/password
{{- end }}
{{- end -}}
{{- end -}}

{{/* The Secret with the password. */}}
{{- define "outrider.controller.prometheusSecret" -}}
{{- if and (include "outrider.controller.asksOurs" .) .Values.prometheus.web.user -}}
{{ .Values.prometheus.web.configSecret }}
{{- end -}}
{{- end -}}
