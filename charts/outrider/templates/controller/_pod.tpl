{{- define "outrider.controller.pod" -}}
automountServiceAccountToken: true
terminationGracePeriodSeconds: 30
containers:
  - name: controller
    args:
      - --role=controller
      {{- include "outrider.controller.args" .root | nindent 6 }}
      - --metrics-bind-address=:8080
      - --health-probe-bind-address=:8081
      - --ca-lifetime={{ .root.Values.certs.caLifetime }}
      - --leader-elect=true
      - --leader-election-id={{ include "outrider.controller.lease" .root }}
      {{- if include "outrider.policies.on" .root }}
      - --policy-parameters={{ include "outrider.name" (dict "root" $.root "name" "policies") }}
      - --injection={{ include "outrider.injection.mode" .root }}
      {{- end }}
      {{- if include "outrider.injection.on" .root }}
      - --coverage-by-label
      {{- end }}
      {{- if include "outrider.grafana.collects" .root }}
      - --dashboard-configmap={{ include "outrider.grafana.collected" .root }}
      - {{ printf "--dashboard-selector=%s=%s,app.kubernetes.io/part-of!=outrider" .root.Values.dashboards.label .root.Values.dashboards.labelValue | quote }}
      {{- end }}
      {{- with include "outrider.monitors.args" .root }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- range prepend (.root.Values.webhook.excludedNamespaces | default list) (include "outrider.namespace" .root) | uniq }}
      - --excluded-namespace={{ . }}
      {{- end }}
      {{- with include "outrider.controller.prometheusURL" .root }}
      - {{ printf "--prometheus-url=%s" . | quote }}
      {{- with include "outrider.controller.prometheusArgs" $.root | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      - --proof-interval={{ $.values.coverage.proofInterval }}
      {{- end }}
      - --coverage-series={{ int .values.coverage.maxSeries }}
      {{- if .values.coverage.readExporterLogs }}
      - --read-exporter-logs
      {{- end }}
      - --breaker-evict={{ .values.breaker.evict }}
      {{- if .values.repair.enabled }}
      - --repair
      - --repair-stale={{ .values.repair.stale }}
      {{- end }}
      - --repair-interval={{ .values.repair.interval }}
    ports:
      - name: metrics
        containerPort: 8080
      - name: health
        containerPort: 8081
    {{- include "outrider.controller.probes" . | nindent 4 }}
    {{- with include "outrider.controller.prometheusSecret" .root }}
    volumeMounts:
      - name: prometheus-web
        mountPath: /etc/prometheus-web
        readOnly: true
volumes:
  - name: prometheus-web
    secret:
      secretName: {{ . | quote }}
      items: [{key: password, path: password}]
    {{- end }}
{{- end -}}
