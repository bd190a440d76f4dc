{{- define "outrider.prometheus.pod" -}}
automountServiceAccountToken: true
terminationGracePeriodSeconds: 120
securityContext:
  fsGroup: 65534
  fsGroupChangePolicy: OnRootMismatch
containers:
  - name: prometheus
    args:
      {{- include "outrider.prometheus.args" $ | nindent 6 }}
    env:
      - name: POD_NAME # stands in prometheus.yml
        valueFrom:
          fieldRef:
            fieldPath: metadata.name
      {{- if gt (int .values.shards) 1 }}
      - name: POD_INDEX
        valueFrom:
          fieldRef:
            fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
      {{- end }}
    ports:
      - name: http
        containerPort: 9090
    {{- include "outrider.webProbes" $ | nindent 4 }}
    volumeMounts:
      # The whole folder: a file mounted by subPath would never change, and so never be reloaded.
      - name: config
        mountPath: /etc/prometheus
        readOnly: true
      - name: data
        mountPath: /prometheus
      {{- if eq .values.mode "server" }}
      - name: rules
        mountPath: /etc/prometheus-rules
        readOnly: true
      {{- end }}
      {{- if include "outrider.monitors.on" .root }}
      - name: monitors
        mountPath: /etc/prometheus-monitors
        readOnly: true
      {{- end }}
      {{- if .values.extraScrapeConfigSecret }}
      - name: extra
        mountPath: /etc/prometheus-extra
        readOnly: true
      {{- end }}
      {{- with include "outrider.secretMounts" $ | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with include "outrider.prometheus.alertmanagerMount" .root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
  {{- if include "outrider.thanos.on" .root }}
  {{- include "outrider.thanos.sidecar" .root | nindent 2 }}
  {{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "outrider.name" $ }}{{ if gt (int .values.shards) 1 }}-shards{{ end }}
  {{- with include "outrider.dataVolume" $ }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if eq .values.mode "server" }}
  - name: rules
    configMap:
      name: {{ include "outrider.name" $ }}-rules
      optional: true
  {{- end }}
  {{- if include "outrider.monitors.on" .root }}
  - name: monitors
    configMap:
      name: {{ include "outrider.monitors.configMapName" .root }}
  {{- end }}
  {{- with .values.extraScrapeConfigSecret }}
  - name: extra
    secret:
      secretName: {{ . | quote }}
  {{- end }}
  {{- with include "outrider.secretVolumes" $ | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "outrider.prometheus.alertmanagerVolume" .root | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if include "outrider.thanos.on" .root }}
  {{- with include "outrider.thanos.volumes" (dict "root" .root "grpc" true "bucket" true) | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .root.Values.thanos.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end -}}
