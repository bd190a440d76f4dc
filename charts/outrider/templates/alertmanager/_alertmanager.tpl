{{/* Only our own Prometheus sends it anything, and an agent has no alerts. */}}
{{- define "outrider.alertmanager.enabled" -}}
{{- if and (eq .Values.discovery.mode "bundled") (eq .Values.prometheus.mode "server") .Values.alertmanager.enabled }}true{{ end -}}
{{- end -}}

{{- define "outrider.alertmanager.args" -}}
{{- $headless := printf "%s-headless.%s.svc" (include "outrider.name" .) (include "outrider.namespace" .root) -}}
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
- --cluster.advertise-address=[$(POD_IP)]:9094
- --cluster.label={{ include "outrider.namespace" .root }}/{{ .root.Release.Name }}
- --cluster.reconnect-timeout=5m
{{- range $ordinal := until (int .values.replicas) }}
- --cluster.peer={{ include "outrider.name" $ }}-{{ $ordinal }}.{{ $headless }}:9094
{{- end }}
{{- else }}
- --cluster.listen-address=
{{- end }}
{{- end -}}

{{- define "outrider.alertmanager.reloadArgs" -}}
- reload
- --file=/etc/alertmanager/alertmanager.yaml
- --url={{ .values.web.scheme }}://127.0.0.1:9093{{ include "outrider.webPrefix" . }}/-/reload
{{- with .values.web.user }}
- --user={{ . }}
- --password-file=/etc/alertmanager-web/password
{{- end }}
{{- end -}}

{{/*
Alertmanager's configuration. One that names a receiver or an interval that is not defined is refused here: Alertmanager would
not start.
*/}}
{{- define "outrider.alertmanager.config" -}}
{{- $config := .Values.alertmanager.config -}}
{{- $receivers := list -}}
{{- range $config.receivers }}{{ $receivers = append $receivers .name }}{{ end -}}
{{- $intervals := list -}}
{{- range concat ($config.time_intervals | default list) ($config.mute_time_intervals | default list) }}{{ $intervals = append $intervals .name }}{{ end -}}
{{- include "outrider.alertmanager.route" (dict "route" $config.route "at" "route" "receivers" $receivers "intervals" $intervals) -}}
{{- toYaml $config -}}
{{- end -}}

{{- define "outrider.alertmanager.route" -}}
{{- with .route.receiver -}}
{{- if not (has . $.receivers) -}}
{{- fail (printf "alertmanager.config.%s.receiver is %q, and alertmanager.config.receivers has no such name: add it there, or name one of %s" $.at . (join ", " $.receivers | default "yours")) -}}
{{- end -}}
{{- end -}}
{{- range $key := list "mute_time_intervals" "active_time_intervals" -}}
{{- range get $.route $key | default list -}}
{{- if not (has . $.intervals) -}}
{{- fail (printf "alertmanager.config.%s.%s has %q, and alertmanager.config.time_intervals has no such name: add it there" $.at $key (toString .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $i, $route := .route.routes -}}
{{- include "outrider.alertmanager.route" (dict "route" $route "at" (printf "%s.routes[%d]" $.at $i) "receivers" $.receivers "intervals" $.intervals) -}}
{{- end -}}
{{- end -}}
