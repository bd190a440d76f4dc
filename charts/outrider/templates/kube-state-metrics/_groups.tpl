{{/* The API group of every collector that can be chosen. values.schema.json has the same names. */}}
{{- define "outrider.kubeStateMetrics.groups" -}}
core:
  - configmaps
  - limitranges
  - namespaces
  - nodes
  - persistentvolumeclaims
  - persistentvolumes
  - pods
  - replicationcontrollers
  - resourcequotas
  - services
admissionregistration.k8s.io: [mutatingwebhookconfigurations, validatingwebhookconfigurations]
apps: [daemonsets, deployments, replicasets, statefulsets]
autoscaling: [horizontalpodautoscalers]
batch: [cronjobs, jobs]
certificates.k8s.io: [certificatesigningrequests]
coordination.k8s.io: [leases]
discovery.k8s.io: [endpointslices]
networking.k8s.io: [ingresses, networkpolicies]
policy: [poddisruptionbudgets]
storage.k8s.io: [storageclasses, volumeattachments]
{{- end -}}
