{{/*
A NetworkPolicy of a component. rules is a list of {ports, from}, from being one of
  any      any client: the API server, whose address no selector knows, or a Prometheus that is not ours
  release  this release's pods
  web      this release's pods, those of networkPolicy.fromNamespaces, and networkPolicy.fromCIDRs; anybody where its Service leaves the cluster
  or the name of one component.
Only what comes in is limited. A kubelet's probes always come through: Kubernetes lets a pod's own node reach it.
*/}}
{{- define "outrider.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "outrider.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "outrider.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    {{- range .rules }}
    - ports:
        {{- range .ports }}
        - port: {{ . }}
        {{- if eq . "gossip-udp" }}
          protocol: UDP
        {{- end }}
        {{- end }}
      {{- $public := and (eq .from "web") (ne $.values.service.type "ClusterIP") }}
      {{- if not (or $public (eq .from "any")) }}
      from:
        - podSelector:
            matchLabels:
              {{- if has .from (list "web" "release") }}
              app.kubernetes.io/name: {{ $.root.Chart.Name }}
              app.kubernetes.io/instance: {{ $.root.Release.Name | quote }}
              {{- else }}
              {{- include "outrider.selectorLabels" (dict "root" $.root "name" .from) | nindent 14 }}
              {{- end }}
        {{- if eq .from "web" }}
        {{- with $.root.Values.networkPolicy.fromNamespaces }}
        - namespaceSelector:
            matchExpressions:
              - key: kubernetes.io/metadata.name
                operator: In
                values:
                  {{- toYaml . | nindent 18 }}
        {{- end }}
        {{- range $.root.Values.networkPolicy.fromCIDRs }}
        - ipBlock:
            cidr: {{ . | quote }}
        {{- end }}
        {{- end }}
      {{- end }}
    {{- end }}
{{- end -}}

{{/* Who scrapes the release: our Prometheus, or one of which the chart knows nothing. */}}
{{- define "outrider.scraper" -}}
{{ eq .Values.discovery.mode "bundled" | ternary "prometheus" "any" }}
{{- end -}}
