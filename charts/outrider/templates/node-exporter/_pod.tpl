{{- define "outrider.nodeExporter.pod" -}}
automountServiceAccountToken: false
hostNetwork: true # its network is the node's
hostPID: true # and so are its processes
containers:
  - name: node-exporter
    args:
      - --web.listen-address=[$(NODE_IP)]:{{ .values.port }}
      - --path.rootfs=/host/root
      - --path.udev.data=/host/root/run/udev/data
    env:
      - name: NODE_IP # one address, rather than every network that the node is in
        valueFrom:
          fieldRef:
            fieldPath: status.hostIP
    ports:
      - name: metrics
        containerPort: {{ .values.port }}
    livenessProbe:
      httpGet:
        path: /
        port: metrics
    readinessProbe:
      httpGet:
        path: /
        port: metrics
    volumeMounts:
      - name: root
        mountPath: /host/root
        mountPropagation: {{ .values.mountPropagation }}
        readOnly: true
volumes:
  - name: root
    hostPath:
      path: /
{{- end -}}
