{{- define "outrider.blackboxExporter.pod" -}}
automountServiceAccountToken: false
containers:
  - name: blackbox-exporter
    args:
      - --config.file=/etc/blackbox-exporter/blackbox.yaml
      - --config.enable-auto-reload
      - --config.auto-reload-interval=10
      - --web.listen-address=:9115
    ports:
      - name: http
        containerPort: 9115
    livenessProbe:
      httpGet:
        path: /-/healthy
        port: http
    readinessProbe:
      httpGet:
        path: /-/healthy
        port: http
      periodSeconds: 5
    volumeMounts:
      - name: config
        mountPath: /etc/blackbox-exporter
        readOnly: true
volumes:
  - name: config
    secret:
      secretName: {{ include "outrider.name" $ }}
{{- end -}}
