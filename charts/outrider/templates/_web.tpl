{{/*
What the components with web pages have in common. They take a component as the others do; its block of values has
service, ingress, route, and web.
*/}}

{{/* A Service of the component's port named http. */}}
{{- define "outrider.webService" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "outrider.metadata" . | nindent 2 }}
  {{- with .values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "outrider.override" (dict "base" (include "outrider.webServiceSpec" . | fromYaml) "with" .values.service.spec) | nindent 2 }}
{{- end -}}

{{- define "outrider.webServiceSpec" -}}
type: {{ .values.service.type }}
{{- range $key := list "ipFamilyPolicy" "ipFamilies" }}
{{- with get $.values.service $key }}
{{ $key }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- if ne .values.service.sessionAffinity "None" }}
sessionAffinity: {{ .values.service.sessionAffinity }}
{{- end }}
selector:
  {{- include "outrider.selectorLabels" . | nindent 2 }}
ports:
  - name: http
    port: {{ .port }}
    targetPort: http
    appProtocol: {{ .values.web.scheme }}
    {{- if and (ne .values.service.type "ClusterIP") .values.service.nodePort }}
    nodePort: {{ .values.service.nodePort }}
    {{- end }}
  {{- with .grpc }}
  - name: grpc
    port: {{ . }}
    targetPort: grpc
  {{- end }}
{{- end -}}

{{- define "outrider.ingress" -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "outrider.metadata" . | nindent 2 }}
  {{- with .values.ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .values.ingress.className }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  rules:
    - host: {{ .values.ingress.host | quote }}
      http:
        paths:
          - path: {{ .values.ingress.path | quote }}
            pathType: Prefix
            backend:
              service:
                name: {{ include "outrider.name" . }}
                port:
                  name: http
  {{- with .values.ingress.tlsSecret }}
  tls:
    - hosts: [{{ $.values.ingress.host | quote }}]
      secretName: {{ . | quote }}
  {{- end }}
{{- end -}}

{{- define "outrider.httpRoute" -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "outrider.metadata" . | nindent 2 }}
  {{- with .values.route.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    {{- toYaml .values.route.gateways | nindent 4 }}
  {{- with .values.route.host }}
  hostnames: [{{ . | quote }}]
  {{- end }}
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: {{ .values.route.path | quote }}
      backendRefs:
        - name: {{ include "outrider.name" . }}
          port: {{ .port }}
{{- end -}}

{{/* The address of a component's Service within the cluster. */}}
{{- define "outrider.webURL" -}}
{{ .values.web.scheme }}://{{ include "outrider.name" . }}.{{ include "outrider.namespace" .root }}.svc:{{ .port }}{{ include "outrider.webPrefix" . }}
{{- end -}}

{{/* The path under which a server answers, from --web.route-prefix of extraArgs; empty for the root. */}}
{{- define "outrider.webPrefix" -}}
{{- $prefix := "" -}}
{{- range .values.extraArgs -}}
{{- if eq (include "outrider.flag" .) "web.route-prefix" }}{{ $prefix = . | splitList "=" | last | trimAll "/" }}{{ end -}}
{{- end -}}
{{- with $prefix }}/{{ . }}{{ end -}}
{{- end -}}

{{/*
Probes of a server. One with a web configuration of the user's may ask everyone for a certificate or a password, which a
kubelet has not: there it is enough that it listens.
*/}}
{{- define "outrider.webProbes" -}}
livenessProbe:
  {{- if .values.web.configSecret }}
  tcpSocket:
    port: http
  {{- else }}
  httpGet:
    path: {{ include "outrider.webPrefix" . }}/-/healthy
    port: http
  {{- end }}
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  {{- if .values.web.configSecret }}
  tcpSocket:
    port: http
  {{- else }}
  httpGet:
    path: {{ include "outrider.webPrefix" . }}/-/ready
    port: http
  {{- end }}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{/* How the chart's own clients reach a server with a web configuration: fields of Prometheus' HTTP client. */}}
{{- define "outrider.webClient" -}}
{{- if eq .values.web.scheme "https" -}}
scheme: https
tls_config:
  insecure_skip_verify: true # no certificate names a pod's address
{{ end -}}
{{- with .values.web.user -}}
basic_auth:
  username: {{ . | quote }}
  password_file: /etc/{{ $.name }}-web/password
{{ end -}}
{{- end -}}

{{/* The folders of the Secrets that a server is configured with, and the volumes behind them. */}}
{{- define "outrider.secretMounts" -}}
{{- range .values.secrets }}
- name: {{ include "outrider.secretVolume" . }}
  mountPath: /etc/{{ $.name }}-secrets/{{ . }}
  readOnly: true
{{- end }}
{{- with .values.web.configSecret }}
- name: web
  mountPath: /etc/{{ $.name }}-web
  readOnly: true
{{- end }}
{{- end -}}

{{/* The volume of a Secret. A volume's name has no dots and at most 63 bytes: then a hash keeps names apart. */}}
{{- define "outrider.secretVolume" -}}
{{- if or (contains "." .) (gt (len .) 56) -}}
{{ printf "secret-%s-%s" (replace "." "-" . | trunc 46 | trimSuffix "-") (sha256sum . | trunc 8) }}
{{- else -}}
secret-{{ . }}
{{- end -}}
{{- end -}}

{{- define "outrider.secretVolumes" -}}
{{- range .values.secrets }}
- name: {{ include "outrider.secretVolume" . }}
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- with .values.web.configSecret }}
- name: web
  secret:
    secretName: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Where a server keeps its data: a volume that lives as long as the pod, or the template of a claim. */}}
{{- define "outrider.dataVolume" -}}
{{- if eq .values.persistence.mode "emptyDir" -}}
- name: data
  emptyDir:
    sizeLimit: {{ .values.persistence.size | quote }}
{{- end -}}
{{- end -}}

{{- define "outrider.dataClaim" -}}
{{- if eq .values.persistence.mode "claim" -}}
persistentVolumeClaimRetentionPolicy:
  {{- toYaml .values.persistence.retentionPolicy | nindent 2 }}
volumeClaimTemplates:
  - metadata:
      name: data
      labels:
        {{- include "outrider.selectorLabels" . | nindent 8 }}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .values.persistence.storageClassName }}
      storageClassName: {{ . | quote }}
      {{- end }}
      resources:
        requests:
          storage: {{ .values.persistence.size | quote }}
{{- end -}}
{{- end -}}
