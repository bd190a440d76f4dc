{{/* The ConfigMap that holds the suspended exporters. */}}
{{- define "outrider.breaker.configMapName" -}}
{{ include "outrider.fullname" . }}-breaker
{{- end -}}

{{/* What the controller may do to suspend exporters, and to repair workloads. */}}
{{- define "outrider.breaker.rules" -}}
# Sees on monitored pods which exporters do not start.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- if or .recycle .repair }}
# Finds the workloads behind pods, and what says that they are to be left alone.
- apiGroups: [apps]
  resources: [daemonsets, deployments, replicasets, statefulsets]
  verbs: [get]
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
{{- end }}
{{- if .recycle }}
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
