{{- define "outrider.nodeExporter.args" -}}
- --web.listen-address=[$(NODE_IP)]:{{ .values.port }}
- --path.rootfs=/host/root
- --path.udev.data=/host/root/run/udev/data
{{- end -}}
