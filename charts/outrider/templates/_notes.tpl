{{/* What somebody who has just installed a release should know of it, a paragraph each. */}}
{{- define "outrider.notes.warnings" -}}
{{- $webhook := .Values.webhook -}}
{{- if eq $webhook.failurePolicy "Fail" }}

WARNING: webhook.failurePolicy is Fail: while no replica of Outrider answers, pods that ask for an exporter are not created.
{{- end }}
{{- if semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version }}

Before Kubernetes 1.30 the API server cannot tell annotated pods from others: every new pod passes through Outrider.
{{- end }}
{{- if and (include "outrider.alertmanager.enabled" .) (not .Values.alertmanager.configSecret) (eq .Values.alertmanager.config.route.receiver "null") }}

Alerts reach nobody yet: name whom in alertmanager.config.receivers and alertmanager.config.route.receiver, or in a Secret
of your own, alertmanager.configSecret.
{{- end }}
{{- if and (eq .Values.discovery.mode "operator") (or .Values.nodeExporter.enabled .Values.kubeStateMetrics.enabled) }}

node-exporter and kube-state-metrics come with this release. Where your operator's stack has them, leave them out here:
nodeExporter.enabled=false, kubeStateMetrics.enabled=false.
{{- end }}
{{- end -}}
