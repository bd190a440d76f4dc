{{/* The ports of the pods. On a node's network 10250 is the kubelet's, and 8080 is somebody's. */}}
{{- define "outrider.controller.ports" -}}
{{- $ports := .values.hostNetwork | ternary (dict "webhook" 10260 "metrics" 10261 "health" 10262) (dict "webhook" 10250 "metrics" 8080 "health" 8081) -}}
{{- range $name, $port := .values.ports }}{{ if $port }}{{ $_ := set $ports $name (int $port) }}{{ end }}{{ end -}}
{{- toYaml $ports -}}
{{- end -}}

{{- define "outrider.controller.pod" -}}
{{- $ports := include "outrider.controller.ports" . | fromYaml -}}
automountServiceAccountToken: true
terminationGracePeriodSeconds: 30
containers:
  - name: controller
    args:
      - --namespace={{ include "outrider.namespace" .root }}
      - --webhook-configuration={{ include "outrider.fullname" .root }}
      - --webhook-service={{ include "outrider.webhook.serviceName" .root }}
      - --certificate-mode={{ .root.Values.certs.mode }}
      - --certificate-secret={{ include "outrider.webhook.secretName" .root }}
      - --ca-lifetime={{ .root.Values.certs.caLifetime }}
      - --certificate-lifetime={{ .root.Values.certs.servingLifetime }}
      - --ca-settle-time={{ .root.Values.certs.settleTime }}
      - --webhook-bind-address=:{{ $ports.webhook }}
      - --metrics-bind-address=:{{ $ports.metrics }}
      - --health-probe-bind-address=:{{ $ports.health }}
      - --leader-elect=true
      - --leader-election-id={{ include "outrider.controller.lease" .root }}
      {{- if include "outrider.enforcement.on" .root }}
      - --enforcement-parameters={{ include "outrider.name" (dict "root" $.root "name" "enforcement") }}
      {{- end }}
      - --log-level={{ .values.logLevel }}
      {{- if eq .root.Values.webhook.optIn "all" }}
      - --opt-in-all
      {{- end }}
      {{- range prepend (.root.Values.webhook.excludedNamespaces | default list) (include "outrider.namespace" .root) | uniq }}
      - --excluded-namespace={{ . }}
      {{- end }}
      {{- with include "outrider.controller.prometheusURL" .root }}
      - --prometheus-url={{ . }}
      - --proof-interval={{ $.values.coverage.proofInterval }}
      {{- end }}
      - --coverage-series={{ int .values.coverage.maxSeries }}
      {{- if .values.coverage.readExporterLogs }}
      - --read-exporter-logs
      {{- end }}
      - --breaker-configmap={{ include "outrider.breaker.configMapName" .root }}
      - --breaker-grace={{ .values.breaker.grace }}
      - --breaker-recycle={{ .values.breaker.recycle }}
      {{- if .values.repair.enabled }}
      - --repair
      - --repair-stale={{ .values.repair.stale }}
      {{- end }}
      - --repair-interval={{ .values.repair.interval }}
      {{- with .root.Values.global.imageRegistry }}
      - --image-registry={{ . }}
      {{- end }}
      {{- range .root.Values.sidecars.imagePullSecrets }}
      - --image-pull-secret={{ . }}
      {{- end }}
      {{- if .root.Values.sidecars.assignedUIDs }}
      - --assigned-uids
      {{- end }}
    ports:
      - name: webhook
        containerPort: {{ $ports.webhook }} # managed clusters let the API server reach this port of a node's pods already
      - name: metrics
        containerPort: {{ $ports.metrics }}
      - name: health
        containerPort: {{ $ports.health }}
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
