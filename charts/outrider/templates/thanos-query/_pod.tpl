{{- define "outrider.thanosQuery.pod" -}}
automountServiceAccountToken: false
containers:
  - name: thanos-query
    args:
      - query
      - --http-address=:10902
      {{- include "outrider.thanos.grpcArgs" .root | nindent 6 }}
      {{- include "outrider.thanos.querierArgs" (dict "root" .root "more" .values.endpoints) | nindent 6 }}
      - --query.auto-downsampling
      - --alert.query-url={{ include "outrider.thanos.queryURL" .root }}
      {{- if .values.web.configSecret }}
      - --http.config=/etc/thanos-query-web/web-config.yaml
      {{- end }}
    ports:
      {{- include "outrider.thanos.ports" . | nindent 6 }}
    {{- include "outrider.webProbes" . | nindent 4 }}
    {{- with printf "%s\n%s" (include "outrider.thanos.mounts" (dict "root" .root "grpc" true)) (include "outrider.secretMounts" .) | trim }}
    volumeMounts:
      {{- . | nindent 6 }}
    {{- end }}
{{- with printf "%s\n%s" (include "outrider.thanos.volumes" (dict "root" .root "grpc" true)) (include "outrider.secretVolumes" .) | trim }}
volumes:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}
