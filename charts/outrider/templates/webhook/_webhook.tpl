{{- define "outrider.webhook.serviceName" -}}
{{ include "outrider.fullname" . }}-webhook
{{- end -}}

{{- define "outrider.webhook.secretName" -}}
{{ include "outrider.fullname" . }}-webhook-tls
{{- end -}}

{{/* What both webhook entries have in common: which requests, where to, and what if there is no answer. */}}
{{- define "outrider.webhook.call" -}}
clientConfig:
  service:
    name: {{ include "outrider.webhook.serviceName" .root }}
    namespace: {{ .root.Release.Namespace }}
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
