{{/*
The jobs of one shard among several, as data: a dict of jobs, shards, shard, and whole, the names of jobs that are in every shard.
Each other job keeps its part, before its own rules.
What discovery says of where a target is (the pod, or else the node) decides, so that one pod's or one node's targets stay
together; targets that Kubernetes does not discover are divided by address.
*/}}
{{- define "outrider.scrape.shard" -}}
{{- $jobs := list -}}
{{- range $job := .jobs -}}
{{- $by := hasKey $job "kubernetes_sd_configs" | ternary (list "__meta_kubernetes_pod_uid" "__meta_kubernetes_node_name") (list "__address__") -}}
{{- $hash := dict "source_labels" $by "modulus" $.shards "target_label" "__tmp_shard" "action" "hashmod" -}}
{{- $keep := dict "source_labels" (list "__tmp_shard") "regex" (toString $.shard) "action" "keep" -}}
{{- $copy := dict -}}
{{- range $key, $value := $job }}{{ $_ := set $copy $key $value }}{{ end -}}
{{- if not (has $job.job_name $.whole) -}}
{{- $_ := set $copy "relabel_configs" (concat (list $hash $keep) (get $job "relabel_configs" | default list)) -}}
{{- end -}}
{{- $jobs = append $jobs $copy -}}
{{- end -}}
{{- toYaml $jobs -}}
{{- end -}}
