{{/* Not empty where dashboards of other charts are collected, and the ConfigMap that holds them. */}}
{{- define "outrider.grafana.collects" -}}
{{- if and .Values.grafana.enabled .Values.grafana.otherDashboards (ne .Values.discovery.mode "operator") }}true{{ end -}}
{{- end -}}

{{- define "outrider.grafana.collected" -}}
{{ include "outrider.fullname" . }}-grafana-dashboards
{{- end -}}

{{/* The ConfigMaps with dashboards that are not this chart's own. */}}
{{- define "outrider.grafana.dashboardConfigMaps" -}}
{{- $names := .Values.grafana.dashboardConfigMaps -}}
{{- if include "outrider.grafana.collects" . }}{{ $names = append $names (include "outrider.grafana.collected" .) }}{{ end -}}
{{- toYaml $names -}}
{{- end -}}

{{/* Where its data comes from: the address that is given, or this release's Prometheus. */}}
{{- define "outrider.grafana.prometheusURL" -}}
{{- if regexMatch "://[^/?#]*@" .Values.grafana.prometheusURL -}}
{{ fail "grafana.prometheusURL: the user in it would be readable in a ConfigMap; set it to an address that asks for no login, or set grafana.access to login and add your Prometheus in Grafana" }}
{{- else if .Values.grafana.prometheusURL -}}
{{ .Values.grafana.prometheusURL }}
{{- else if or (ne .Values.discovery.mode "bundled") (ne .Values.prometheus.mode "server") -}}
{{ fail "grafana.prometheusURL is empty, and this release has no Prometheus that answers queries (see discovery.mode and prometheus.mode): set it to the address of yours, or grafana.enabled to false" }}
{{- else -}}
{{ include "outrider.webURL" (merge (dict "root" .) (include "outrider.answering" . | fromYaml)) }}
{{- end -}}
{{- end -}}

{{/* The Secret with the password for this release's Prometheus, where that asks for one. */}}
{{- define "outrider.grafana.prometheusSecret" -}}
{{- if and (not .Values.grafana.prometheusURL) .Values.prometheus.web.user -}}
{{ .Values.prometheus.web.configSecret }}
{{- end -}}
{{- end -}}

{{/* The name of the data source that is the default in place of the chart's own: Grafana does not start with two. */}}
{{- define "outrider.grafana.otherDefault" -}}
{{- range .Values.grafana.dataSources }}{{ if .isDefault }}{{ .name }}{{ end }}{{ end -}}
{{- end -}}

{{/* Fails where a value that is a secret stands in plain: the files are in a ConfigMap. token_url and the like are none. */}}
{{- define "outrider.grafana.refuseSecret" -}}
{{- if and (regexMatch "(?i)(secret|password|token)(_key)?$|(private|secret|api|access)_key$" .key) (not (regexMatch "^\\$__(file|env)\\{" (toString .value))) (not (kindIs "bool" .value)) -}}
{{- fail (printf "%s would be readable in a ConfigMap; put it into a Secret, name that in grafana.secrets, and write $__file{/etc/grafana-secrets/<name>/<key>}" .where) -}}
{{- end -}}
{{- end -}}

{{/*
Grafana's files. They call nobody: no usage reports, no look for updates, no plugins fetched at start. Passwords are read
from the Secrets that are mounted.
*/}}
{{- define "outrider.grafana.files" -}}
grafana.ini: |
  [server]
  http_port = 3000
  {{- with .Values.grafana.externalURL }}
  root_url = {{ . }}
  {{- end }}
  [analytics]
  reporting_enabled = false
  check_for_updates = false
  check_for_plugin_updates = false
  feedback_links_enabled = false
  [news]
  news_feed_enabled = false
  [plugins]
  preinstall_disabled = true
  [snapshots]
  external_enabled = false
  [security]
  disable_gravatar = true
  {{- if eq .Values.grafana.access "anonymous" }}
  disable_initial_admin_creation = true
  [auth]
  disable_login_form = true
  [auth.basic]
  enabled = false
  [auth.anonymous]
  enabled = true
  org_role = Viewer
  {{- else }}
  admin_user = $__file{/etc/grafana-admin/admin-user}
  admin_password = $__file{/etc/grafana-admin/admin-password}
  {{- end }}
  {{- if .Values.dashboards.enabled }}
  [dashboards]
  default_home_dashboard_path = /etc/grafana-dashboards/outrider-cluster.json
  {{- end }}
  {{- range $section, $keys := .Values.grafana.config }}
  [{{ $section }}]
  {{- range $key, $value := $keys }}
  {{- include "outrider.grafana.refuseSecret" (dict "where" (printf "grafana.config: %s.%s" $section $key) "key" $key "value" $value) }}
  {{ $key }} = {{ $value }}
  {{- end }}
  {{- end }}
datasources.yaml: |
  apiVersion: 1
  datasources:
    - name: Prometheus
      uid: prometheus
      type: prometheus
      access: proxy
      url: {{ include "outrider.grafana.prometheusURL" . }}
      isDefault: {{ eq (include "outrider.grafana.otherDefault" .) "" }}
      editable: false
      {{- if include "outrider.grafana.prometheusSecret" . }}
      basicAuth: true
      basicAuthUser: {{ .Values.prometheus.web.user | quote }}
      secureJsonData:
        basicAuthPassword: $__file{/etc/prometheus-web/password}
      {{- end }}
      jsonData:
        httpMethod: POST
        timeInterval: {{ .Values.prometheus.scrapeInterval | quote }}
        {{- if and (not .Values.grafana.prometheusURL) (include "outrider.thanos.on" .) }}
        prometheusType: Thanos
        {{- end }}
        {{- if and (not .Values.grafana.prometheusURL) (eq .Values.prometheus.web.scheme "https") }}
        tlsSkipVerify: true # no certificate names the Service
        {{- end }}
    {{- range $i, $source := .Values.grafana.dataSources }}
    {{- range $key, $value := get $source "secureJsonData" | default dict }}
    {{- include "outrider.grafana.refuseSecret" (dict "where" (printf "grafana.dataSources[%d].secureJsonData.%s" $i $key) "key" "secret" "value" $value) }}
    {{- end }}
    {{- if eq $source.name "Prometheus" }}{{ fail (printf "grafana.dataSources[%d] is named Prometheus, as the chart's own: choose another name, or set grafana.prometheusURL" $i) }}{{ end }}
    - {{- toYaml $source | nindent 6 }}
    {{- end }}
dashboards.yaml: |
  apiVersion: 1
  providers:
    - name: outrider
      folder: Outrider
      type: file
      allowUiUpdates: false
      updateIntervalSeconds: 30
      options:
        path: /etc/grafana-dashboards
    {{- if include "outrider.grafana.dashboardConfigMaps" . | fromYamlArray }}
    - name: own
      type: file
      allowUiUpdates: false
      updateIntervalSeconds: 30
      options:
        path: /etc/grafana-own-dashboards
    {{- end }}
{{- end -}}
