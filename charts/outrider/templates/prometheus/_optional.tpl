{{/*
Jobs that are off by default: pods annotated prometheus.io/scrape, probes, and entries of scrape_configs of the
user's own. All have the limits of the workloads' jobs, and none has a token.
*/}}
{{- define "outrider.scrape.optional" -}}
{{- if .Values.scrape.annotated.enabled }}
{{- range until 3 }}
{{ include "outrider.scrape.annotated" (dict "root" $ "before" .) }}
{{- end }}
{{- end }}
{{- if .Values.scrape.probes }}
{{ include "outrider.scrape.probes" . }}
{{- end }}
{{- with include "outrider.scrape.extra" . | fromYamlArray }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What every target gets that the cluster's administrator may not have chosen. */}}
{{- define "outrider.scrape.untrusted" -}}
follow_redirects: false
honor_timestamps: false
{{ include "outrider.scrape.limits" . }}
{{- end -}}

{{/*
The convention of prometheus.io/scrape, port, path and scheme. A port may be a list of up to three, and one job makes one
target of a pod: hence a job for each. It need not be declared. Without a port, the first job takes the declared TCP ports
of containers that are not init containers. Prometheus cannot ask for annotations, so it is sent every pod of the namespaces.
What Outrider scrapes already is left to it, and so are the jobs of the stack.
*/}}
{{- define "outrider.scrape.annotated" -}}
{{- $meta := "__meta_kubernetes_pod_annotation_prometheus_io_" -}}
{{- $number := "[1-9][0-9]{0,4}" -}}
- job_name: annotated-{{ add1 .before }}
  {{- include "outrider.scrape.untrusted" .root | nindent 2 }}
  keep_dropped_targets: 100
  tls_config:
    insecure_skip_verify: true
  kubernetes_sd_configs:
    - role: pod
      {{- with .root.Values.scrape.annotated.namespaces }}
      namespaces:
        names:
          {{- toYaml . | nindent 10 }}
      {{- end }}
  relabel_configs:
    - source_labels: [{{ $meta }}scrape, __meta_kubernetes_pod_annotationpresent_outrider_dev_scrape]
      regex: true;
      action: keep
    - source_labels: [__meta_kubernetes_pod_phase]
      regex: Succeeded|Failed
      action: drop
    - source_labels: [__meta_kubernetes_pod_container_name]
      regex: outrider-.+
      action: drop
    {{- if .before }}
    - source_labels: [{{ $meta }}port]
      regex: ' *{{ $number }} *(?:, *{{ $number }} *){ {{- .before -}} ,2}'
      action: keep
    {{- else }}
    - source_labels: [{{ $meta }}port, __meta_kubernetes_pod_container_port_protocol, __meta_kubernetes_pod_container_init]
      regex: ' *{{ $number }} *(?:, *{{ $number }} *){0,2};.*|;TCP;false'
      action: keep
    {{- end }}
    - source_labels: [{{ $meta }}port]
      regex: '(?:[^,]*,){ {{- .before -}} } *({{ $number }}) *(?:,.*)?'
      target_label: __tmp_port
    - source_labels: [__meta_kubernetes_pod_ip, __tmp_port]
      regex: ([^:]+);(.+)
      target_label: __address__
      replacement: $1:$2
    - source_labels: [__meta_kubernetes_pod_ip, __tmp_port]
      regex: (.+:.+);(.+)
      target_label: __address__
      replacement: '[$1]:$2'
    - source_labels: [{{ $meta }}path]
      regex: (/[A-Za-z0-9/_.~-]{0,127})
      target_label: __metrics_path__
    - source_labels: [{{ $meta }}scheme]
      regex: (https?)
      target_label: __scheme__
    - target_label: job
      replacement: pods
    - source_labels: [__meta_kubernetes_pod_label_app]
      regex: (.+)
      target_label: job
    - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_name]
      regex: (.+)
      target_label: job
    - source_labels: [job]
      regex: {{ include "outrider.scrape.reserved" .root }}
      target_label: job
      replacement: pods
    {{- include "outrider.scrape.where" . | nindent 4 }}
{{- end -}}

{{/* The jobs that a pod's author cannot choose: the same expression as in the workloads' jobs, and read from there. */}}
{{- define "outrider.scrape.reserved" -}}
{{- $reserved := "" -}}
{{- range (last (.Files.Get "files/jobs.yaml" | fromYamlArray)).relabel_configs -}}
{{- if and (eq (get . "target_label") "job") (deepEqual (get . "source_labels") (list "job")) }}{{ $reserved = .regex }}{{ end -}}
{{- end -}}
{{- required "files/jobs.yaml has no rule for the reserved jobs" $reserved -}}
{{- end -}}

{{/*
Probes through blackbox-exporter: the address that is probed is the instance, and the module is a label. Several probes
are one job, since the exporter is one.
*/}}
{{- define "outrider.scrape.probes" -}}
{{- if not (.Values.blackboxExporter).enabled -}}
{{- fail "scrape.probes has probes, and blackboxExporter.enabled is false: there is nothing to probe with; set blackboxExporter.enabled=true" -}}
{{- end -}}
{{- range $i, $probe := .Values.scrape.probes -}}
{{- if not (hasKey $.Values.blackboxExporter.modules $probe.module) -}}
{{- fail (printf "scrape.probes[%d]: there is no module %q; add it to blackboxExporter.modules, or name one of %s" $i $probe.module (keys $.Values.blackboxExporter.modules | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
- job_name: probes
  metrics_path: /probe
  {{- include "outrider.scrape.untrusted" . | nindent 2 }}
  static_configs:
    {{- range .Values.scrape.probes }}
    - targets:
        {{- toYaml .targets | nindent 8 }}
      labels:
        {{- merge (dict "__param_module" .module "module" .module) (.labels | default dict) | toYaml | nindent 8 }}
    {{- end }}
  relabel_configs:
    - source_labels: [__address__]
      target_label: __param_target
    - source_labels: [__address__]
      target_label: instance
    - target_label: __address__
      replacement: {{ include "outrider.fullname" . }}-blackbox-exporter.{{ include "outrider.namespace" . }}.svc:9115
{{- end -}}

{{/*
Entries of scrape_configs as the user wrote them, with our limits where they name none. The ConfigMap is no place for
secrets, and a job name that is taken would have Prometheus refuse the whole file.
*/}}
{{- define "outrider.scrape.extra" -}}
{{- $taken := concat .Values.scrape.jobs (splitList "|" (include "outrider.scrape.reserved" . | trimPrefix "outrider-.+|")) (list "annotated-1" "annotated-2" "annotated-3") -}}
{{- $jobs := list -}}
{{- range $i, $entry := .Values.scrape.extra -}}
{{- if or (has $entry.job_name $taken) (hasPrefix "outrider-" $entry.job_name) -}}
{{- fail (printf "scrape.extra[%d]: the job %q is already defined, or reserved; choose another job_name" $i $entry.job_name) -}}
{{- end -}}
{{- $taken = append $taken $entry.job_name -}}
{{- include "outrider.prometheus.refuseSecrets" (dict "where" (printf "scrape.extra[%d]: job %q" $i $entry.job_name) "value" $entry) -}}
{{- $interval := $entry.scrape_interval | default $.Values.prometheus.scrapeInterval -}}
{{- if and $entry.scrape_timeout (gt (include "outrider.prometheus.seconds" $entry.scrape_timeout | int64) (include "outrider.prometheus.seconds" $interval | int64)) -}}
{{- fail (printf "scrape.extra[%d]: job %q: the timeout %s is longer than the interval %s" $i $entry.job_name $entry.scrape_timeout $interval) -}}
{{- end -}}
{{- $job := include "outrider.scrape.limits" $ | fromYaml -}}
{{- range $key, $value := $entry }}{{ $_ := set $job $key $value }}{{ end -}}
{{- $jobs = append $jobs $job -}}
{{- end -}}
{{- toYaml $jobs -}}
{{- end -}}
