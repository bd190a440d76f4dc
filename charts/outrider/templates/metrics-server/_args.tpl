{{- define "outrider.metricsServer.args" -}}
- --secure-port=10250
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
{{- end -}}
