{{/*
Beside each Prometheus: answers for it, and uploads its blocks.
*/}}
{{- define "outrider.thanos.sidecar" -}}
{{- $thanos := .Values.thanos -}}
{{- include "outrider.checkResources" (dict "block" "thanos" "resources" ($thanos.resources | default dict)) -}}
- name: thanos-sidecar
  image: {{ include "outrider.image" (dict "root" . "values" $thanos) }}
  args:
    {{- include "outrider.args" (dict "block" "thanos" "args" (include "outrider.thanos.sidecarArgs" . | fromYamlArray) "values" $thanos "pinned" (dict "http-address" ":10902" "grpc-address" ":10901")) | nindent 4 }}
  {{- with $thanos.extraEnv }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: sidecar
      containerPort: 10902
    - name: grpc
      containerPort: 10901
  livenessProbe:
    httpGet:
      path: /-/healthy
      port: sidecar
    timeoutSeconds: 5
    failureThreshold: 6
  readinessProbe:
    httpGet:
      path: /-/ready
      port: sidecar
    periodSeconds: 5
    timeoutSeconds: 5
  resources:
    {{- toYaml $thanos.resources | nindent 4 }}
  volumeMounts:
    - name: data
      mountPath: /prometheus
    {{- with include "outrider.thanos.mounts" (dict "root" . "grpc" true "bucket" true) | trim }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with .Values.prometheus.web.configSecret }}
    - name: web
      mountPath: /etc/prometheus-web
      readOnly: true
    {{- end }}
    {{- with $thanos.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{- define "outrider.thanos.sidecarArgs" -}}
{{- $p := dict "root" . "name" "prometheus" "values" .Values.prometheus -}}
- sidecar
- --http-address=:10902
{{ include "outrider.thanos.grpcArgs" . }}
- --prometheus.url={{ .Values.prometheus.web.scheme }}://127.0.0.1:9090{{ include "outrider.webPrefix" $p }}
{{- with include "outrider.webClient" $p | fromYaml }}
- {{ printf "--prometheus.http-client=%s" (omit . "scheme" | toJson) | quote }}
{{- end }}
- --tsdb.path=/prometheus
{{ include "outrider.thanos.bucketArgs" . }}
{{- if include "outrider.thanos.stores" . }}
- --shipper.upload-compacted # what Prometheus compacted before it had a sidecar
{{- end }}
{{- end -}}
