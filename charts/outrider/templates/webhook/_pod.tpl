{{/* The ports of the pods. On a node's network 10250 is the kubelet's, and 8080 is often taken. */}}
{{- define "outrider.webhook.ports" -}}
{{- $ports := .values.hostNetwork | ternary (dict "webhook" 10260 "metrics" 10261 "health" 10262) (dict "webhook" 10250 "metrics" 8080 "health" 8081) -}}
{{- range $name, $port := .values.ports }}{{ if $port }}{{ $_ := set $ports $name (int $port) }}{{ end }}{{ end -}}
{{- toYaml $ports -}}
{{- end -}}

{{- define "outrider.webhook.pod" -}}
{{- $ports := include "outrider.webhook.ports" . | fromYaml -}}
automountServiceAccountToken: true
terminationGracePeriodSeconds: 30
containers:
  - name: webhook
    args:
      - --role=webhook
      {{- include "outrider.controller.args" .root | nindent 6 }}
      - --webhook-bind-address=:{{ $ports.webhook }}
      - --metrics-bind-address=:{{ $ports.metrics }}
      - --health-probe-bind-address=:{{ $ports.health }}
    ports:
      - name: webhook
        containerPort: {{ $ports.webhook }} # managed clusters let the API server reach this port of a node's pods already
      - name: metrics
        containerPort: {{ $ports.metrics }}
      - name: health
        containerPort: {{ $ports.health }}
    {{- include "outrider.controller.probes" . | nindent 4 }}
{{- end -}}
