{{/*
Evaluates the rules, by a query of its own: dashboards cannot keep it waiting, and it sees this cluster alone.
*/}}
{{- define "outrider.thanosRuler.pod" -}}
automountServiceAccountToken: false
securityContext:
  fsGroup: 65534
  fsGroupChangePolicy: OnRootMismatch
containers:
  - name: thanos-ruler
    args:
      {{- include "outrider.thanosRuler.args" . | nindent 6 }}
    env:
      - name: POD_NAME
        valueFrom:
          fieldRef:
            fieldPath: metadata.name
    ports:
      {{- include "outrider.thanos.ports" . | nindent 6 }}
    {{- include "outrider.webProbes" . | nindent 4 }}
    volumeMounts:
      - name: rules
        mountPath: /etc/thanos-rules
        readOnly: true
      - name: data
        mountPath: /thanos
      {{- if include "outrider.monitors.on" .root }}
      - name: monitors
        mountPath: /etc/prometheus-monitors
        readOnly: true
      {{- end }}
      {{- with include "outrider.thanos.mounts" (dict "root" .root "grpc" true "bucket" true) | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "outrider.prometheus.alertmanagerMount" .root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
  - name: query
    image: {{ include "outrider.image" . }}
    args:
      - query
      - --http-address=127.0.0.1:10912
      - --grpc-address=127.0.0.1:10911
      {{- include "outrider.thanos.querierArgs" (dict "root" .root) | nindent 6 }}
    resources:
      {{- toYaml .root.Values.thanos.query.resources | nindent 6 }}
    {{- with include "outrider.thanos.mounts" (dict "root" .root "grpc" true) | trim }}
    volumeMounts:
      {{- . | nindent 6 }}
    {{- end }}
  # The ruler does not watch its rules.
  - name: reload
    image: {{ include "outrider.image" (dict "root" .root "values" .root.Values.controller) }}
    args:
      - reload
      - --file=/etc/thanos-rules
      {{- if include "outrider.monitors.on" .root }}
      - --file=/etc/prometheus-monitors
      {{- end }}
      - --url=http://127.0.0.1:10902/-/reload
    resources: {requests: {cpu: 5m, memory: 24Mi}, limits: {memory: 64Mi}}
    volumeMounts:
      - name: rules
        mountPath: /etc/thanos-rules
        readOnly: true
      {{- if include "outrider.monitors.on" .root }}
      - name: monitors
        mountPath: /etc/prometheus-monitors
        readOnly: true
      {{- end }}
volumes:
  - name: rules
    configMap:
      name: {{ include "outrider.name" (dict "root" .root "name" "prometheus-rules") }}
  {{- if include "outrider.monitors.on" .root }}
  - name: monitors
    configMap:
      name: {{ include "outrider.monitors.configMapName" .root }}
  {{- end }}
  {{- with include "outrider.dataVolume" . }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "outrider.thanos.volumes" (dict "root" .root "grpc" true "bucket" true) | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "outrider.prometheus.alertmanagerVolume" .root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "outrider.thanosRuler.args" -}}
{{- $p := .root.Values.prometheus -}}
- rule
- --http-address=:10902
{{ include "outrider.thanos.grpcArgs" .root }}
- --data-dir=/thanos
- --tsdb.retention=24h
- --rule-file=/etc/thanos-rules/*.yaml
{{- if include "outrider.monitors.on" .root }}
- --rule-file=/etc/prometheus-monitors/rules.yaml
{{- end }}
- --eval-interval={{ $p.scrapeInterval }}
- --query=http://127.0.0.1:10912
- '--label={{ $p.replicaLabel }}="$(POD_NAME)"'
{{- range $name, $value := $p.externalLabels }}
- {{ printf "--label=%s=%q" $name $value | squote }}
{{- end }}
- --alert.label-drop={{ $p.replicaLabel }}
- --alert.query-url={{ include "outrider.thanos.queryURL" .root }}
{{- with include "outrider.thanosRuler.alertmanagers" .root | fromYamlArray }}
- {{ printf "--alertmanagers.config=%s" (dict "alertmanagers" . | toJson) | quote }}
{{- end }}
{{ include "outrider.thanos.bucketArgs" .root }}
{{- end -}}

{{/* The Alertmanagers of Prometheus in Thanos' words: this release's, found by the DNS, and further ones at addresses. */}}
{{- define "outrider.thanosRuler.alertmanagers" -}}
{{- if .Values.alertmanager.enabled -}}
{{- $c := dict "root" . "name" "alertmanager" "values" .Values.alertmanager -}}
{{- $client := include "outrider.webClient" $c | fromYaml -}}
- scheme: {{ .Values.alertmanager.web.scheme }}
  static_configs: ["dns+{{ include "outrider.name" $c }}-headless.{{ include "outrider.namespace" . }}.svc:9093"]
  {{- with include "outrider.webPrefix" $c }}
  path_prefix: {{ . }}
  {{- end }}
  {{- with omit $client "scheme" }}
  http_config:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- range $i, $other := .Values.prometheus.alertmanagers }}
{{- range $key, $_ := omit $other "static_configs" "scheme" "path_prefix" "timeout" "api_version" "basic_auth" "tls_config" }}
{{- fail (printf "prometheus.alertmanagers[%d]: with several shards Thanos sends the alerts, which knows no %s; use static_configs with scheme, path_prefix, timeout, basic_auth and tls_config" $i $key) }}
{{- end }}
{{- $addresses := list }}
{{- range get $other "static_configs" }}{{ $addresses = concat $addresses .targets }}{{ end }}
{{- $entry := merge (pick $other "scheme" "path_prefix" "timeout" "api_version") (dict "static_configs" $addresses) }}
{{- with pick $other "basic_auth" "tls_config" }}{{ $_ := set $entry "http_config" . }}{{ end }}
- {{ toYaml $entry | nindent 2 | trim }}
{{- end }}
{{- end -}}
