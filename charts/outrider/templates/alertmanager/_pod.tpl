{{- define "outrider.alertmanager.pod" -}}
automountServiceAccountToken: false
securityContext:
  fsGroup: 65534
  fsGroupChangePolicy: OnRootMismatch
containers:
  - name: alertmanager
    args:
      {{- include "outrider.alertmanager.args" $ | nindent 6 }}
    {{- if gt (int .values.replicas) 1 }}
    env:
      - name: POD_IP
        valueFrom:
          fieldRef:
            fieldPath: status.podIP
    {{- end }}
    ports:
      - name: http
        containerPort: 9093
      - name: gossip-tcp
        containerPort: 9094
      - name: gossip-udp
        containerPort: 9094
        protocol: UDP
    {{- include "outrider.webProbes" $ | nindent 4 }}
    volumeMounts:
      - name: config
        mountPath: /etc/alertmanager
        readOnly: true
      - name: data
        mountPath: /alertmanager
      {{- with include "outrider.secretMounts" $ | trim }}
      {{- . | nindent 6 }}
      {{- end }}
  # Alertmanager does not watch its configuration.
  - name: reload
    image: {{ include "outrider.image" (dict "root" $.root "values" .root.Values.controller) }}
    args:
      {{- include "outrider.alertmanager.reloadArgs" $ | nindent 6 }}
    resources: {requests: {cpu: 5m, memory: 24Mi}, limits: {memory: 64Mi}}
    volumeMounts:
      - name: config
        mountPath: /etc/alertmanager
        readOnly: true
      {{- if .values.web.configSecret }}
      - name: web
        mountPath: /etc/alertmanager-web
        readOnly: true
      {{- end }}
volumes:
  - name: config
    secret:
      secretName: {{ .values.configSecret | default (include "outrider.name" $) | quote }}
      items: [{key: alertmanager.yaml, path: alertmanager.yaml}]
  {{- with include "outrider.dataVolume" $ }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with include "outrider.secretVolumes" $ | trim }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}
