{{/*
Jobs for the cluster itself: what stands in scrape.jobs, in the order of this list. Where a cluster does not show such a
component, as a managed one does not show its control plane, the job finds no target.
*/}}
{{- define "outrider.scrape.cluster" -}}
{{- $jobs := .Values.scrape.jobs -}}
{{- if has "apiserver" $jobs }}
{{ include "outrider.scrape.apiserver" . }}
{{- end }}
{{- range $job, $path := dict "kubelet" "/metrics" "cadvisor" "/metrics/cadvisor" "kubelet-probes" "/metrics/probes" }}
{{- if has $job $jobs }}
{{ include "outrider.scrape.kubelet" (dict "root" $ "job" $job "path" $path) }}
{{- end }}
{{- end }}
{{- range list
      (dict "job" "scheduler" "label" "component" "value" "kube-scheduler" "port" 10259 "token" true "addresses" .Values.scrape.addresses.scheduler)
      (dict "job" "controller-manager" "label" "component" "value" "kube-controller-manager" "port" 10257 "token" true "addresses" .Values.scrape.addresses.controllerManager)
      (dict "job" "etcd" "label" "component" "value" "etcd" "port" 2381 "addresses" .Values.scrape.addresses.etcd)
      (dict "job" "kube-proxy" "label" "k8s-app" "value" "kube-proxy" "port" 10249 "addresses" .Values.scrape.addresses.kubeProxy)
      (dict "job" "coredns" "label" "k8s-app" "value" "kube-dns" "port" 9153 "only" ".*coredns.*;.*|.*;9153") }}
{{- if has .job $jobs }}
{{ include "outrider.scrape.controlPlane" (merge (dict "root" $) .) }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
How Prometheus shows who it is. The token goes to the cluster's own servers only, never to what an annotation names, and
not to where a server redirects.
*/}}
{{- define "outrider.scrape.token" -}}
scheme: https
authorization:
  credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token
follow_redirects: false
tls_config:
  ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
  {{- with .serverName }}
  server_name: {{ . }}
  {{- end }}
  {{- if has .job .root.Values.scrape.unverified }}
  insecure_skip_verify: true
  {{- end }}
{{- end -}}

{{/*
The API servers behind the Service kubernetes, which every cluster has. Discovery asks for the objects of that name and no
others: a pod that happens to have it changes nothing.
*/}}
{{- define "outrider.scrape.apiserver" -}}
- job_name: apiserver
  {{- include "outrider.scrape.token" (dict "root" . "job" "apiserver" "serverName" "kubernetes") | nindent 2 }}
  kubernetes_sd_configs:
    - role: endpointslice
      namespaces:
        names: [default]
      selectors:
        {{- range list "endpointslice" "service" "pod" }}
        - role: {{ . }}
          field: metadata.name=kubernetes
        {{- end }}
  relabel_configs:
    - source_labels: [__meta_kubernetes_endpointslice_port_name]
      regex: https
      action: keep
  # A third of its series: histograms of the watch cache and of sizes, whose sums and counts stay.
  metric_relabel_configs:
    - source_labels: [__name__]
      regex: (apiserver_watch_.+|apiserver_request_body_size_bytes|apiserver_response_sizes|informer_processing_latency_seconds)_bucket
      action: drop
{{- end -}}

{{/*
The kubelet's three pages. Its node is the instance, which discovery sets. cAdvisor's series carry namespace,
pod and container of their own, and the times at which they were measured.
*/}}
{{- define "outrider.scrape.kubelet" -}}
- job_name: {{ .job }}
  metrics_path: {{ .path }}
  {{- if eq .job "cadvisor" }}
  track_timestamps_staleness: true
  {{- end }}
  {{- include "outrider.scrape.token" . | nindent 2 }}
  kubernetes_sd_configs:
    - role: node
  relabel_configs:
    - source_labels: [__meta_kubernetes_node_name]
      target_label: node
  {{- if eq .job "cadvisor" }}
  # A third of its series: the kernel's inner accounts of memory, and what is the same for all containers.
  metric_relabel_configs:
    - source_labels: [__name__]
      regex: container_(memory_(failures|pgscan|pgsteal|events|workingset_refault|file|total).*|memory_kernel_usage|cpu_cfs_burst_.+|cpu_load_.+|tasks_state|ulimits_soft|health_state|creation_time_seconds)
      action: drop
  {{- end }}
{{- end -}}

{{/*
A component that kubeadm runs as pods of kube-system, at its usual port; or, where addresses are given, at these. No rule
reads what belongs to a container: all that discovery finds of a pod becomes one target.
*/}}
{{- define "outrider.scrape.controlPlane" -}}
- job_name: {{ .job }}
  {{- if .token }}
  {{- include "outrider.scrape.token" . | nindent 2 }}
  {{- end }}
  {{- if .addresses }}
  static_configs:
    - targets:
        {{- $port := .port }}
        {{- range .addresses }}
        - {{ printf "%s:%d" (ternary (printf "[%s]" .) . (contains ":" .)) $port | quote }}
        {{- end }}
  relabel_configs:
    - target_label: namespace
      replacement: kube-system
  {{- else }}
  kubernetes_sd_configs:
    - role: pod
      namespaces:
        names: [kube-system]
      selectors:
        - role: pod
          label: {{ ternary "component in (etcd,kube-controller-manager,kube-scheduler)" "k8s-app in (kube-dns,kube-proxy)" (eq .label "component") }}
  relabel_configs:
    - source_labels: [__meta_kubernetes_pod_label_{{ .label | replace "-" "_" }}]
      regex: {{ .value }}
      action: keep
    - source_labels: [__meta_kubernetes_pod_phase]
      regex: Succeeded|Failed
      action: drop
    {{- with .only }}
    # The pods of GKE's kube-dns carry the same label and serve nothing at this port.
    - source_labels: [__meta_kubernetes_pod_container_name, __meta_kubernetes_pod_container_port_number]
      regex: {{ . }}
      action: keep
    {{- end }}
    {{- include "outrider.scrape.podAddress" (printf "%d" .port) | nindent 4 }}
    {{- include "outrider.scrape.where" . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The pod's own address with a port, which need not be declared. IPv6 goes into brackets. */}}
{{- define "outrider.scrape.podAddress" -}}
- source_labels: [__meta_kubernetes_pod_ip]
  regex: ([^:]+)
  target_label: __address__
  replacement: $1:{{ . }}
- source_labels: [__meta_kubernetes_pod_ip]
  regex: (.+:.+)
  target_label: __address__
  replacement: '[$1]:{{ . }}'
{{- end -}}

{{/* Where a target is, under the names that kube-state-metrics and cAdvisor use too. */}}
{{- define "outrider.scrape.where" -}}
- source_labels: [__meta_kubernetes_namespace]
  target_label: namespace
- source_labels: [__meta_kubernetes_pod_name]
  target_label: pod
- source_labels: [__meta_kubernetes_pod_node_name]
  target_label: node
{{- end -}}
