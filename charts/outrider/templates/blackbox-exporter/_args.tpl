{{- define "outrider.blackboxExporter.args" -}}
- --config.file=/etc/blackbox-exporter/blackbox.yaml
- --config.enable-auto-reload
- --config.auto-reload-interval=10
- --web.listen-address=:9115
{{- end -}}
