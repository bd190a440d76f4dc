{{/* What a user who has just installed a release should know, a paragraph each. */}}
{{- define "outrider.notes.warnings" -}}
{{- $webhook := .Values.webhook -}}
{{- if eq $webhook.mode "policy" }}

There is no webhook (webhook.mode: policy): a pod that the policies do not decide starts without its exporter, with a warning.
{{- else if eq $webhook.failurePolicy "Fail" }}

WARNING: webhook.failurePolicy is Fail: while no replica of Outrider answers, pods that ask for an exporter are not created.
{{- end }}
{{- if and (include "outrider.alertmanager.enabled" .) (not .Values.alertmanager.configSecret) (eq .Values.alertmanager.config.route.receiver "null") }}

Alerts reach nobody yet: name whom in alertmanager.config.receivers and alertmanager.config.route.receiver, or in a Secret
of your own, alertmanager.configSecret.
{{- end }}
{{- with include "outrider.notes.unreached" . }}

Behind its Ingress or HTTPRoute {{ . }} answers nobody yet: name in networkPolicy.fromNamespaces the namespace of your ingress
controller or gateway, or in networkPolicy.fromCIDRs the addresses of a load balancer outside of the cluster.
{{- end }}
{{- if and (eq .Values.discovery.mode "bundled") (not .Values.scrape.monitors.enabled) (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor") }}

This cluster knows ServiceMonitors, and this release's Prometheus does not follow them: set scrape.monitors.enabled=true, or keep
the operator that does.
{{- end }}
{{- if and (eq .Values.discovery.mode "operator") (or .Values.nodeExporter.enabled .Values.kubeStateMetrics.enabled) }}

node-exporter and kube-state-metrics come with this release. Where your operator's stack has them, leave them out here:
nodeExporter.enabled=false, kubeStateMetrics.enabled=false.
{{- end }}
{{- end -}}

{{/* The components with an Ingress or HTTPRoute whose NetworkPolicy lets nobody through that could be behind it. */}}
{{- define "outrider.notes.unreached" -}}
{{- $names := list -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.fromNamespaces) (not .Values.networkPolicy.fromCIDRs) -}}
{{- $shown := list -}}
{{- if eq .Values.discovery.mode "bundled" }}{{ $shown = append $shown "prometheus" }}{{ end -}}
{{- if include "outrider.alertmanager.enabled" . }}{{ $shown = append $shown "alertmanager" }}{{ end -}}
{{- if and .Values.grafana.enabled (ne .Values.discovery.mode "operator") }}{{ $shown = append $shown "grafana" }}{{ end -}}
{{- range $shown -}}
{{- $c := get $.Values . -}}
{{- if and (eq $c.service.type "ClusterIP") (or $c.ingress.host $c.route.gateways) }}{{ $names = append $names . }}{{ end -}}
{{- end -}}
{{- end -}}
{{- join ", " $names -}}
{{- end -}}
