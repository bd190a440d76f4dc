{{/*
Most helpers take a component: a dict of root (the chart's context), name (as in app.kubernetes.io/component) and values
(its block of values.yaml). Each template makes its own in its first line.
*/}}

{{/*
The prefix of every object's name, without the dots that a release's may have and a Service's may not. 39 bytes leave room for "-alertmanager" and the hash that Kubernetes adds to a StatefulSet's
name in a pod label, whose values have at most 63.
*/}}
{{- define "outrider.fullname" -}}
{{- $name := include "outrider.prefix" . -}}
{{- if not (regexMatch "^[a-z]" $name) -}}
{{- fail (printf "objects would be named %s-…, and a Service's name begins with a letter: choose another name for the release, or set fullnameOverride" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- define "outrider.prefix" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains (.Values.nameOverride | default .Chart.Name) .Release.Name -}}
{{- .Release.Name | replace "." "-" | trunc 39 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | replace "." "-") (.Values.nameOverride | default .Chart.Name) | trunc 39 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The namespace of every object that has one. */}}
{{- define "outrider.namespace" -}}
{{ .Values.namespaceOverride | default .Release.Namespace }}
{{- end -}}

{{/* The name of a component's objects. */}}
{{- define "outrider.name" -}}
{{ include "outrider.fullname" .root }}-{{ .name }}
{{- end -}}

{{/* What selectors ask for: never changes, since selectors cannot. */}}
{{- define "outrider.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
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
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- range $key, $value := .root.Values.commonLabels }}
{{- if not (has $key (list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/part-of" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" "helm.sh/chart")) }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Metadata of a namespaced object. */}}
{{- define "outrider.metadata" -}}
name: {{ include "outrider.name" . }}
namespace: {{ include "outrider.namespace" .root | quote }}
labels:
  {{- include "outrider.labels" . | nindent 2 }}
{{- end -}}

{{/* Metadata of a cluster-scoped object. */}}
{{- define "outrider.clusterMetadata" -}}
name: {{ include "outrider.name" . }}
labels:
  {{- include "outrider.labels" . | nindent 2 }}
{{- end -}}

{{/* The image of a component. A release's own has no tag in the values; then the digest is the one that the release put into Chart.yaml,
     so that a tag or a digest of the user's stands alone. */}}
{{- define "outrider.image" -}}
{{- $image := .values.image -}}
{{- $registry := .root.Values.global.imageRegistry | default $image.registry -}}
{{- $digest := $image.digest -}}
{{- if not (or $image.tag $digest) -}}
{{- $digest = index (.root.Chart.Annotations | default dict) "outrider.dev/image-digest" -}}
{{- end -}}
{{- printf "%s/%s:%s" $registry $image.repository ($image.tag | default .root.Chart.AppVersion) -}}
{{- with $digest }}@{{ . }}{{ end -}}
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
    name: {{ include "outrider.serviceAccountName" . }}
    namespace: {{ include "outrider.namespace" .root | quote }}
{{- end -}}

{{/* Where another Prometheus scrapes by what the chart renders, these are scraped too. */}}
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
{{- $repeatable := list "alert.label-drop" "cluster.peer" "comparing-owner" "enable-feature" "excluded-namespace" "image-pull-secret" "label" "query.replica-label" "rule-file" -}}
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
