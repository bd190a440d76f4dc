{{/* Not empty where other charts' monitors are followed. */}}
{{- define "outrider.monitors.on" -}}
{{- if and .Values.scrape.monitors.enabled (eq .Values.discovery.mode "bundled") }}true{{ end -}}
{{- end -}}

{{/* The ConfigMap that holds what they are translated into. */}}
{{- define "outrider.monitors.configMapName" -}}
{{ include "outrider.fullname" . }}-prometheus-monitors
{{- end -}}

{{/* The controller's flags for it. */}}
{{- define "outrider.monitors.args" -}}
{{- if include "outrider.monitors.on" . -}}
{{- $defaults := include "outrider.scrape.limits" . | fromYaml -}}
- --monitor-configmap={{ include "outrider.monitors.configMapName" . }}
- {{ printf "--monitor-defaults=%s" (set $defaults "scrape_interval" .Values.prometheus.scrapeInterval | toJson) | quote }}
{{- if gt (int .Values.prometheus.shards) 1 }}
- --monitor-shards={{ int .Values.prometheus.shards }}
{{- end }}
{{- range .Values.scrape.monitors.namespaces }}
- --monitor-namespace={{ . }}
{{- end }}
{{- range $original, $copy := .Values.scrape.monitors.secrets }}
{{- if not (has $copy $.Values.prometheus.secrets) }}
{{- fail (printf "scrape.monitors.secrets: %s is not mounted into Prometheus; add it to prometheus.secrets" $copy) }}
{{- end }}
- --monitor-secret={{ $original }}={{ $copy }}
{{- end }}
{{- end -}}
{{- end -}}
