{{/* The ConfigMap that holds the suspended exporters. */}}
{{- define "outrider.breaker.configMapName" -}}
{{ include "outrider.fullname" . }}-breaker
{{- end -}}

{{/* What the controller may do to suspend exporters, and to repair workloads. */}}
{{- define "outrider.breaker.rules" -}}
{{- if or .evict .repair }}
# Finds the workloads behind pods.
- apiGroups: [apps]
  resources: [daemonsets, deployments, replicasets, statefulsets]
  verbs: [get]
{{- end }}
{{- if .evict }}
# Evicts pods that nothing but a suspended exporter keeps from starting; budgets hold.
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
{{- end }}
{{- if .repair }}
# Restarts the rollouts of workloads that were missed. Kubernetes cannot limit this to one annotation.
- apiGroups: [apps]
  resources: [daemonsets, deployments, statefulsets]
  verbs: [patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list]
{{- end }}
{{- end -}}
