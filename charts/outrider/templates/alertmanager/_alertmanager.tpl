{{/* Only our own Prometheus sends it anything, and an agent has no alerts. */}}
{{- define "outrider.alertmanager.enabled" -}}
{{- if and (eq .Values.discovery.mode "bundled") (eq .Values.prometheus.mode "server") .Values.alertmanager.enabled }}true{{ end -}}
{{- end -}}

{{- define "outrider.alertmanager.args" -}}
{{- $headless := printf "%s-headless.%s.svc" (include "outrider.name" .) .root.Release.Namespace -}}
- --config.file=/etc/alertmanager/alertmanager.yaml
- --storage.path=/alertmanager
- --data.retention={{ .values.retention }}
- --web.listen-address=:9093
- --web.external-url={{ .values.externalURL | default (include "outrider.webURL" .) }}
- --web.route-prefix=/
{{- if .values.web.configSecret }}
- --web.config.file=/etc/alertmanager-web/web-config.yaml
{{- end }}
{{- if gt (int .values.replicas) 1 }}
- --cluster.listen-address=:9094
- --cluster.advertise-address=$(POD_IP):9094
- --cluster.label={{ .root.Release.Namespace }}/{{ .root.Release.Name }}
- --cluster.reconnect-timeout=5m
{{- range $ordinal := until (int .values.replicas) }}
- --cluster.peer={{ include "outrider.name" $ }}-{{ $ordinal }}.{{ $headless }}:9094
{{- end }}
{{- else }}
- --cluster.listen-address=
{{- end }}
{{- with .values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "outrider.alertmanager.reloadArgs" -}}
- reload
- --file=/etc/alertmanager/alertmanager.yaml
- --url={{ .values.web.scheme }}://127.0.0.1:9093/-/reload
{{- with .values.web.user }}
- --user={{ . }}
- --password-file=/etc/alertmanager-web/password
{{- end }}
{{- end -}}
