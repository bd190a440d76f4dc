{{- define "outrider.thanosCompactor.pod" -}}
automountServiceAccountToken: false
securityContext:
  fsGroup: 65534
containers:
  - name: thanos-compactor
    args:
      - compact
      - --wait
      - --http-address=:10902
      - --data-dir=/thanos
      - --retention.resolution-raw={{ .values.retention.raw }}
      - --retention.resolution-5m={{ .values.retention.fiveMinutes }}
      - --retention.resolution-1h={{ .values.retention.oneHour }}
      {{- include "outrider.thanos.bucketArgs" .root | nindent 6 }}
    ports:
      - name: http
        containerPort: 10902
    {{- include "outrider.webProbes" . | nindent 4 }}
    volumeMounts:
      - name: data # what it works on; it is read again where it is lost
        mountPath: /thanos
      {{- include "outrider.thanos.mounts" (dict "root" .root "bucket" true) | trim | nindent 6 }}
volumes:
  - name: data
    emptyDir: {}
  {{- include "outrider.thanos.volumes" (dict "root" .root "bucket" true) | trim | nindent 2 }}
{{- end -}}
