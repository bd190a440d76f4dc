{{/*
Most helpers take a component: a dict of root (the chart's context), name (as in app.kubernetes.io/component) and values
(its block of values.yaml). Each template makes its own in its first line.
*/}}

{{/*
The prefix of every object's name. 39 bytes leave room for "-alertmanager" and the hash that Kubernetes adds to a StatefulSet's
name in a pod label, whose values have at most 63.
*/}}
{{- define "outrider.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 39 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 39 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of a component's objects. */}}
{{- define "outrider.name" -}}
{{ include "outrider.fullname" .root }}-{{ .name }}
{{- end -}}

{{/* What selectors ask for: never changes, since selectors cannot. */}}
{{- define "outrider.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{/* The same as a query: of a component, or, without a name, of the whole release. */}}
{{- define "outrider.labelSelector" -}}
app.kubernetes.io/name={{ .root.Chart.Name }},app.kubernetes.io/instance={{ .root.Release.Name }}{{ with .name }},app.kubernetes.io/component={{ . }}{{ end }}
{{- end -}}

{{- define "outrider.labels" -}}
{{ include "outrider.selectorLabels" . }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Metadata of a namespaced object. */}}
{{- define "outrider.metadata" -}}
name: {{ include "outrider.name" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "outrider.labels" . | nindent 2 }}
{{- end -}}

{{/* Metadata of a cluster-scoped object. */}}
{{- define "outrider.clusterMetadata" -}}
name: {{ include "outrider.name" . }}
labels:
  {{- include "outrider.labels" . | nindent 2 }}
{{- end -}}

{{/* Metadata of a pod template. The chart's version stays out of it, so that an upgrade restarts only what changes. */}}
{{- define "outrider.podMetadata" -}}
{{- with .values.podAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{ end -}}
labels:
  {{- merge (include "outrider.selectorLabels" . | fromYaml) .values.podLabels | toYaml | nindent 2 }}
{{- end -}}

{{- define "outrider.image" -}}
{{- $image := .values.image -}}
{{- $registry := .root.Values.global.imageRegistry | default $image.registry -}}
{{- $tag := $image.tag | default .root.Chart.AppVersion -}}
{{- printf "%s/%s:%s" $registry $image.repository $tag -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{/* The fields of a pod's spec that every component has. */}}
{{- define "outrider.podSpec" -}}
serviceAccountName: {{ include "outrider.name" . }}
enableServiceLinks: false
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .values.affinity }}
affinity:
  {{- toYaml .values.affinity | nindent 2 }}
{{- else if hasKey .values "replicas" }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "outrider.selectorLabels" . | nindent 14 }}
{{- end }}
{{- include "outrider.topologySpread" . }}
{{- end -}}

{{/*
Topology spread of a component with several copies: over nodes and zones where that can be. One of the user's that has no
labelSelector is about the component's own pods. matchLabelKeys keeps the pods of the last revision out of the count
during a rollout; a StatefulSet's have no such label, and the API server then passes it over.
*/}}
{{- define "outrider.topologySpread" -}}
{{- $selector := dict "matchLabels" (include "outrider.selectorLabels" . | fromYaml) -}}
{{- $constraints := .values.topologySpreadConstraints -}}
{{- if and (hasKey .values "replicas") (not $constraints) -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
{{- $constraints = append $constraints (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway" "matchLabelKeys" (list "pod-template-hash")) -}}
{{- end -}}
{{- end -}}
{{- with $constraints }}
topologySpreadConstraints:
{{- range . }}
  - {{ merge (dict) . (dict "labelSelector" $selector) | toYaml | nindent 4 | trim }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Security context of a pod that runs as the given user: what Pod Security's "restricted" asks for. */}}
{{- define "outrider.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "outrider.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The ServiceAccount of a component. Pods that need its token say so themselves. */}}
{{- define "outrider.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "outrider.metadata" . | nindent 2 }}
  {{- with .values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}

{{/* The ClusterRoleBinding of a component's ClusterRole to its ServiceAccount. */}}
{{- define "outrider.clusterRoleBinding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  {{- include "outrider.clusterMetadata" . | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ include "outrider.name" . }}
subjects:
  - kind: ServiceAccount
    name: {{ include "outrider.name" . }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}

{{/* Where somebody scrapes by what the chart renders, these are scraped too. */}}
{{- define "outrider.nodeExporter.enabled" -}}
{{- if and (ne .Values.discovery.mode "none") .Values.nodeExporter.enabled }}true{{ end -}}
{{- end -}}

{{- define "outrider.kubeStateMetrics.enabled" -}}
{{- if and (ne .Values.discovery.mode "none") .Values.kubeStateMetrics.enabled }}true{{ end -}}
{{- end -}}

{{/*
Command line flags as a list: a component's own (args) and those of extraArgs. One of extraArgs replaces the chart's of the same
name, because most programs refuse a repeated flag; a flag that may be repeated is added. Flags of pinned, a dict of name and
end, may be changed only to what ends so, because Services, probes and scrape jobs know the port.
*/}}
{{- define "outrider.args" -}}
{{- $repeatable := list "cluster.peer" "enable-feature" "excluded-namespace" "image-pull-secret" -}}
{{- $own := list -}}
{{- range .args }}{{ $own = append $own (include "outrider.flag" .) }}{{ end -}}
{{- $replaced := list -}}
{{- $extra := list -}}
{{- range $flag := reverse .values.extraArgs -}}
{{- $name := include "outrider.flag" $flag -}}
{{- $end := get ($.pinned | default dict) $name -}}
{{- if and $end (not (hasSuffix $end $flag)) -}}
{{- fail (printf "%s.extraArgs: %s: the Service, the probes and the scrape job use the port %s; leave the flag out, or end it with that" $.block $flag (trimPrefix "=" $end | trimPrefix ":")) -}}
{{- end -}}
{{- $single := and (has $name $own) (not (has $name $repeatable)) -}}
{{- if not (and $single (has $name $replaced)) }}{{ $extra = prepend $extra $flag }}{{ end -}}
{{- if $single }}{{ $replaced = append $replaced $name }}{{ end -}}
{{- end -}}
{{- $args := list -}}
{{- range .args -}}
{{- if not (has (include "outrider.flag" .) $replaced) }}{{ $args = append $args . }}{{ end -}}
{{- end -}}
{{- concat $args $extra | toYaml -}}
{{- end -}}

{{/* The name of a flag, without its value: log.level of --log.level=debug, config.auto-reload of --no-config.auto-reload. */}}
{{- define "outrider.flag" -}}
{{- . | trimPrefix "-" | trimPrefix "-" | splitList "=" | first | trimPrefix "no-" -}}
{{- end -}}
