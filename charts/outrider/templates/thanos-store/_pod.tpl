{{- define "outrider.thanosStore.pod" -}}
automountServiceAccountToken: false
securityContext:
  fsGroup: 65534
containers:
  - name: thanos-store
    args:
      - store
      - --http-address=:10902
      {{- include "outrider.thanos.grpcArgs" .root | nindent 6 }}
      - --data-dir=/thanos
      {{- include "outrider.thanos.bucketArgs" .root | nindent 6 }}
    ports:
      {{- include "outrider.thanos.ports" . | nindent 6 }}
    {{- include "outrider.webProbes" . | nindent 4 }}
    volumeMounts:
      - name: data # what it knows of the bucket's blocks; it is read again where it is lost
        mountPath: /thanos
      {{- include "outrider.thanos.mounts" (dict "root" .root "grpc" true "bucket" true) | trim | nindent 6 }}
volumes:
  - name: data
    emptyDir: {}
  {{- include "outrider.thanos.volumes" (dict "root" .root "grpc" true "bucket" true) | trim | nindent 2 }}
{{- end -}}
