{{/*
The Prometheus that the controller asks whether exporters are up; empty for none. Of this release's it can ask only one that
sees all targets, answers queries and wants neither TLS nor a login.
*/}}
{{- define "outrider.controller.prometheusURL" -}}
{{- $p := .Values.prometheus -}}
{{- if .Values.controller.prometheusURL -}}
{{ .Values.controller.prometheusURL }}
{{- else if and (eq .Values.discovery.mode "bundled") (eq $p.mode "server") (eq (int $p.shards) 1) (eq $p.web.scheme "http") (not $p.web.user) -}}
{{ include "outrider.webURL" (dict "root" . "name" "prometheus" "values" $p "port" 9090) }}
{{- end -}}
{{- end -}}
