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
- {{ printf "--web.external-url=%s" (.values.externalURL | default (include "outrider.webURL" .)) | quote }}
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
- {{ printf "--user=%s" . | quote }}
- --password-file=/etc/alertmanager-web/password
{{- end }}
{{- end -}}

{{/*
Alertmanager's configuration. One that names a receiver or an interval that is not defined, or lacks what an integration needs, is refused
here: Alertmanager would not start.
*/}}
{{- define "outrider.alertmanager.config" -}}
{{- $config := .Values.alertmanager.config -}}
{{- $receivers := list -}}
{{- $global := $config.global | default dict -}}
{{- range $config.receivers -}}
{{- if has .name $receivers }}{{ fail (printf "alertmanager.config.receivers has two of the name %q; choose another name" .name) }}{{ end -}}
{{- $receivers = append $receivers .name -}}
{{- include "outrider.alertmanager.receiver" (dict "receiver" . "global" $global) -}}
{{- end -}}
{{- $intervals := list -}}
{{- range concat ($config.time_intervals | default list) ($config.mute_time_intervals | default list) }}{{ $intervals = append $intervals .name }}{{ end -}}
{{- include "outrider.alertmanager.route" (dict "route" $config.route "at" "route" "receivers" $receivers "intervals" $intervals) -}}
{{- toYaml $config -}}
{{- end -}}

{{/* What an integration needs: one key of each list, or, with its prefix, of global. */}}
{{- define "outrider.alertmanager.needs" -}}
discord_configs: {needs: [[webhook_url, webhook_url_file]]}
email_configs: {global: smtp_, needs: [[smarthost], [from], [to]]}
msteams_configs: {needs: [[webhook_url, webhook_url_file]]}
msteamsv2_configs: {needs: [[webhook_url, webhook_url_file]]}
opsgenie_configs: {global: opsgenie_, needs: [[api_key, api_key_file]]}
pagerduty_configs: {needs: [[routing_key, routing_key_file, service_key, service_key_file]]}
pushover_configs: {needs: [[user_key, user_key_file], [token, token_file]]}
slack_configs: {global: slack_, needs: [[api_url, api_url_file, app_token, app_token_file, http_config]]}
telegram_configs: {global: telegram_, needs: [[bot_token, bot_token_file], [chat_id, chat_id_file]]}
victorops_configs: {global: victorops_, needs: [[api_key, api_key_file], [routing_key]]}
webhook_configs: {needs: [[url, url_file]]}
{{- end -}}

{{- define "outrider.alertmanager.receiver" -}}
{{- range $kind, $of := include "outrider.alertmanager.needs" . | fromYaml -}}
{{- range $i, $config := get $.receiver $kind | default list -}}
{{- range $needs := $of.needs -}}
{{- $found := false -}}
{{- range $needs }}{{ if or (hasKey $config .) (and $of.global (hasKey $.global (printf "%s%s" $of.global .))) }}{{ $found = true }}{{ end }}{{ end -}}
{{- if not $found }}{{ fail (printf "alertmanager.config.receivers: %s[%d] of %q has no %s%s" $kind $i $.receiver.name (join " or " $needs) (empty $of.global | ternary "" (printf ", and global no %s%s" $of.global (first $needs)))) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
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
