{{- define "outrider.kubeStateMetrics.args" -}}
- --port=8080
- --telemetry-port=8081
- --resources={{ .values.collectors | uniq | sortAlpha | join "," }}
{{- end -}}
