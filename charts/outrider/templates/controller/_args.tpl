{{/* The flags that both roles have: what decisions depend on, and the certificates. */}}
{{- define "outrider.controller.args" -}}
- --namespace={{ include "outrider.namespace" . }}
- --webhook-configuration={{ include "outrider.webhook.configurationName" . }}
- --webhook-service={{ include "outrider.webhook.serviceName" . }}
- --certificate-mode={{ .Values.certs.mode }}
- --certificate-secret={{ include "outrider.webhook.secretName" . }}
- --certificate-lifetime={{ .Values.certs.servingLifetime }}
- --ca-settle-time={{ .Values.certs.settleTime }}
- --log-level={{ .Values.controller.logLevel }}
- --breaker-configmap={{ include "outrider.breaker.configMapName" . }}
- --breaker-timeout={{ .Values.controller.breaker.timeout }}
{{- if eq .Values.webhook.optIn "all" }}
- --opt-in-all
{{- end }}
{{- with .Values.global.imageRegistry }}
- --image-registry={{ . }}
{{- end }}
{{- range .Values.sidecars.imagePullSecrets }}
- --image-pull-secret={{ . }}
{{- end }}
{{- if .Values.sidecars.assignedUIDs }}
- --assigned-uids
{{- end }}
{{- range .Values.sidecars.comparingOwners }}
- --comparing-owner={{ . }}
{{- end }}
{{- end -}}

{{/* The probes of a container of either role. */}}
{{- define "outrider.controller.probes" -}}
livenessProbe:
  httpGet:
    path: /healthz
    port: health
readinessProbe:
  httpGet:
    path: /readyz
    port: health
  periodSeconds: 5
{{- end -}}
