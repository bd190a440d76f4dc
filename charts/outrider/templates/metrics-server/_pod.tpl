{{- define "outrider.metricsServer.port" -}}
{{ .values.port | default (.values.hostNetwork | ternary 10263 10250) | int }}
{{- end -}}

{{- define "outrider.metricsServer.pod" -}}
automountServiceAccountToken: true
containers:
  - name: metrics-server
    args:
      - --secure-port={{ include "outrider.metricsServer.port" . }}
      - --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname
      - --kubelet-use-node-status-port
      - --metric-resolution=15s
      {{- if eq .values.kubeletTLS "skip" }}
      - --kubelet-insecure-tls
      {{- end }}
      {{- if .values.serving.tlsSecret }}
      - --tls-cert-file=/etc/metrics-server-tls/tls.crt
      - --tls-private-key-file=/etc/metrics-server-tls/tls.key
      {{- else }}
      - --cert-dir=/tmp
      {{- end }}
    ports:
      - name: https
        containerPort: {{ include "outrider.metricsServer.port" . }} # managed clusters let the API server reach this port of a node's pods already
    livenessProbe:
      httpGet:
        path: /livez
        port: https
        scheme: HTTPS
    readinessProbe:
      httpGet:
        path: /readyz
        port: https
        scheme: HTTPS
      periodSeconds: 5
    volumeMounts:
      {{- if .values.serving.tlsSecret }}
      - name: tls
        mountPath: /etc/metrics-server-tls
        readOnly: true
      {{- else }}
      - name: tmp
        mountPath: /tmp
      {{- end }}
volumes:
  {{- if .values.serving.tlsSecret }}
  - name: tls
    secret:
      secretName: {{ .values.serving.tlsSecret | quote }}
  {{- else }}
  - name: tmp
    emptyDir:
      medium: Memory # a private key
      sizeLimit: 1Mi
  {{- end }}
{{- end -}}
