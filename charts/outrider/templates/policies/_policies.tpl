{{/* Whether the API server evaluates policies of ours, whose data the controller keeps. */}}
{{- define "outrider.policies.on" -}}
{{- if or (include "outrider.enforcement.on" .) (include "outrider.injection.on" .) }}true{{ end -}}
{{- end -}}

{{/* What a binding of theirs reads. Without the object, which is the controller's, nothing is recognized, injected or denied. */}}
{{- define "outrider.policies.paramRef" -}}
name: {{ include "outrider.name" (dict "root" . "name" "policies") }}
namespace: {{ include "outrider.namespace" . | quote }}
parameterNotFoundAction: Allow
{{- end -}}

{{/* Who injects: webhook, auto or policy. */}}
{{- define "outrider.injection.mode" -}}
{{- if not (include "outrider.injection.on" .) }}webhook{{ else if eq .Values.webhook.mode "policy" }}policy{{ else }}auto{{ end -}}
{{- end -}}

{{/* Whether there is a webhook. */}}
{{- define "outrider.webhook.on" -}}
{{- if ne .Values.webhook.mode "policy" }}true{{ end -}}
{{- end -}}
