{{- define "outrider.webhook.serviceName" -}}
{{ include "outrider.fullname" . }}-webhook
{{- end -}}

{{/* The Service under whose name the API server puts a new authority to the proof; the controller adds the suffix too. */}}
{{- define "outrider.webhook.probeName" -}}
{{ include "outrider.webhook.serviceName" . }}-probe
{{- end -}}

{{/* The Secret of the mode. Each has one of its own, so that old and new replicas of a change of mode do not share it. */}}
{{- define "outrider.webhook.secretName" -}}
{{- if eq .Values.certs.mode "secret" -}}
{{ required "certs.mode is secret: certs.secretName must name a Secret of the release's namespace with tls.crt, tls.key and ca.crt" .Values.certs.secretName }}
{{- else if eq .Values.certs.mode "cert-manager" -}}
{{ include "outrider.fullname" . }}-webhook-cert
{{- else -}}
{{ include "outrider.fullname" . }}-webhook-tls
{{- end -}}
{{- end -}}

{{/* The Secret of the authority that cert-manager makes where no issuer is given. */}}
{{- define "outrider.webhook.authorityName" -}}
{{ include "outrider.fullname" . }}-webhook-ca
{{- end -}}

{{/* What both webhook entries have in common: which requests, where to, and what if there is no answer. */}}
{{- define "outrider.webhook.call" -}}
clientConfig:
  service:
    name: {{ include "outrider.webhook.serviceName" .root }}
    namespace: {{ include "outrider.namespace" .root | quote }}
    port: 443
    path: {{ .path }}
rules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
matchPolicy: Equivalent
admissionReviewVersions: [v1]
sideEffects: None
reinvocationPolicy: IfNeeded
failurePolicy: {{ .root.Values.webhook.failurePolicy }}
timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
{{- end -}}

{{- define "outrider.webhook.notOptedOut" -}}
- name: not-opted-out
  expression: >-
    !has(object.metadata.annotations) ||
    !('outrider.dev/inject' in object.metadata.annotations) ||
    object.metadata.annotations['outrider.dev/inject'] != 'false'
{{- end -}}
