{{- define "outrider.grafana.pod" -}}
automountServiceAccountToken: false
securityContext:
  fsGroup: 472
  fsGroupChangePolicy: OnRootMismatch
containers:
  - name: grafana
    ports:
      - name: http
        containerPort: 3000
    startupProbe: # the first start makes the database
      httpGet:
        path: /api/health
        port: http
      periodSeconds: 5
      failureThreshold: 60
    livenessProbe:
      httpGet:
        path: /api/health
        port: http
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      httpGet:
        path: /api/health
        port: http
      periodSeconds: 5
      timeoutSeconds: 5
    volumeMounts:
      - name: config
        mountPath: /etc/grafana
        readOnly: true
      {{- if .root.Values.dashboards.enabled }}
      - name: dashboards
        mountPath: /etc/grafana-dashboards
        readOnly: true
      {{- end }}
      {{- if eq .values.access "login" }}
      - name: admin
        mountPath: /etc/grafana-admin
        readOnly: true
      {{- end }}
      {{- if include "outrider.grafana.prometheusSecret" .root }}
      - name: prometheus-web
        mountPath: /etc/prometheus-web
        readOnly: true
      {{- end }}
      {{- with include "outrider.secretMounts" (dict "name" "grafana" "values" (dict "secrets" .values.secrets "web" dict)) | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- if include "outrider.grafana.dashboardConfigMaps" .root | fromYamlArray }}
      - name: own-dashboards
        mountPath: /etc/grafana-own-dashboards
        readOnly: true
      {{- end }}
      - name: data
        mountPath: /var/lib/grafana
      - name: tmp
        mountPath: /tmp
volumes:
  - name: config
    configMap:
      name: {{ include "outrider.name" $ }}
      items:
        - {key: grafana.ini, path: grafana.ini}
        - {key: datasources.yaml, path: provisioning/datasources/outrider.yaml}
        - {key: dashboards.yaml, path: provisioning/dashboards/outrider.yaml}
  {{- if .root.Values.dashboards.enabled }}
  - name: dashboards
    projected:
      sources:
        {{- range $path, $_ := .root.Files.Glob "files/dashboards/*.json" }}
        - configMap:
            name: {{ include "outrider.name" (dict "root" $.root "name" "dashboard") }}-{{ base $path | trimSuffix ".json" }}
        {{- end }}
  {{- end }}
  {{- if eq .values.access "login" }}
  - name: admin
    secret:
      secretName: {{ .values.adminSecret | quote }}
  {{- end }}
  {{- with include "outrider.grafana.prometheusSecret" .root }}
  - name: prometheus-web
    secret:
      secretName: {{ . | quote }}
      items: [{key: password, path: password}]
  {{- end }}
  {{- with include "outrider.secretVolumes" (dict "name" "grafana" "values" (dict "secrets" .values.secrets "web" dict)) | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if include "outrider.grafana.dashboardConfigMaps" .root | fromYamlArray }}
  - name: own-dashboards
    projected:
      sources:
        {{- range include "outrider.grafana.dashboardConfigMaps" .root | fromYamlArray }}
        - configMap:
            name: {{ . | quote }}
            optional: true
        {{- end }}
  {{- end }}
  - name: tmp
    emptyDir: {}
  {{- with include "outrider.dataVolume" $ }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}
