{{- define "outrider.kubeStateMetrics.pod" -}}
automountServiceAccountToken: true
containers:
  - name: kube-state-metrics
    args:
      - --port=8080
      - --telemetry-port=8081
      {{- if gt (int .values.shards) 1 }}
      - --shard=$(SHARD)
      - --total-shards={{ int .values.shards }}
      {{- end }}
      - --resources={{ .values.collectors | uniq | sortAlpha | join "," }}
      {{- range $flag, $kinds := dict "metric-labels-allowlist" .values.labels "metric-annotations-allowlist" .values.annotations }}
      {{- $lists := list }}
      {{- range $kind, $keys := $kinds }}{{ $lists = append $lists (printf "%s=[%s]" $kind (join "," $keys)) }}{{ end }}
      {{- with $lists }}
      - {{ printf "--%s=%s" $flag (join "," .) | quote }}
      {{- end }}
      {{- end }}
      {{- if .values.customResources }}
      - --custom-resource-state-config-file=/etc/kube-state-metrics/custom-resource-state.yaml
      {{- end }}
    {{- if gt (int .values.shards) 1 }}
    env:
      - name: SHARD
        valueFrom:
          fieldRef:
            fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
    {{- end }}
    {{- if .values.customResources }}
    volumeMounts:
      - name: config
        mountPath: /etc/kube-state-metrics
        readOnly: true
    {{- end }}
    ports:
      - name: metrics
        containerPort: 8080
      - name: telemetry
        containerPort: 8081
    livenessProbe:
      httpGet:
        path: /healthz # not /livez, which asks the API server: its outage is no reason to restart
        port: metrics
    readinessProbe:
      httpGet:
        path: /readyz
        port: telemetry
      periodSeconds: 5
{{- if .values.customResources }}
volumes:
  - name: config
    configMap:
      name: {{ include "outrider.name" $ }}
{{- end }}
{{- end -}}
