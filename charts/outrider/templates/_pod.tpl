{{/*
Pods, written once for all components. A component's _pod.tpl says what is its own: containers, volumes and the fields that only
it has. outrider.podTemplate adds what the block "common" of the values, or the component's own block, says. It takes a component
and block (its key in the values), user (the numeric one it runs as), spec (of its _pod.tpl, as data), pinned (flags that keep
their port) and podAnnotations.
*/}}
{{- define "outrider.podTemplate" -}}
{{- $pod := include "outrider.pod" . | fromYaml -}}
{{- $labels := merge (include "outrider.selectorLabels" . | fromYaml) $pod.podLabels .root.Values.commonLabels -}}
{{- $metadata := dict "labels" $labels -}}
{{- with merge (.podAnnotations | default dict) $pod.podAnnotations }}{{ $_ := set $metadata "annotations" . }}{{ end -}}
{{- $spec := .spec -}}
{{- with get $spec "Error" }}{{ fail (printf "%s: %s" $.block .) }}{{ end -}}
{{- include "outrider.podFields" (dict "c" . "pod" $pod "spec" $spec) -}}
{{- include "outrider.podContainers" (dict "c" . "pod" $pod "spec" $spec) -}}
{{- include "outrider.podVolumes" (dict "c" . "pod" $pod "spec" $spec) -}}
{{- dict "metadata" $metadata "spec" $spec | toYaml -}}
{{- end -}}

{{/* The settings of a component's pods: those of common, and in their place its own. Maps are merged; null takes a key out. */}}
{{- define "outrider.pod" -}}
{{- $pod := dict -}}
{{- range $key, $value := .root.Values.common -}}
{{- $own := get $.values $key -}}
{{- if kindIs "invalid" (index $.values $key) -}}
{{- $_ := set $pod $key $value -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $own) -}}
{{- $_ := set $pod $key (include "outrider.override" (dict "base" $value "with" $own) | fromYaml) -}}
{{- else -}}
{{- $_ := set $pod $key $own -}}
{{- end -}}
{{- end -}}
{{- toYaml $pod -}}
{{- end -}}

{{/* The keys of base with those of "with" in their place; null takes a key out. */}}
{{- define "outrider.override" -}}
{{- $result := dict -}}
{{- range $key, $value := .base }}{{ $_ := set $result $key $value }}{{ end -}}
{{- range $key, $value := .with -}}
{{- if kindIs "invalid" $value }}{{ $_ := unset $result $key }}{{ else }}{{ $_ := set $result $key $value }}{{ end -}}
{{- end -}}
{{- toYaml $result -}}
{{- end -}}

{{- define "outrider.podFields" -}}
{{- $spec := .spec -}}
{{- $_ := set $spec "serviceAccountName" (include "outrider.serviceAccountName" .c) -}}
{{- $_ := set $spec "enableServiceLinks" false -}}
{{- with .c.root.Values.global.imagePullSecrets }}{{ $_ := set $spec "imagePullSecrets" . }}{{ end -}}
{{- if .c.values.hostNetwork -}}
{{- $_ := set $spec "hostNetwork" true -}}
{{- $_ := set $spec "dnsPolicy" "ClusterFirstWithHostNet" -}}{{/* a node's own resolver knows no Services */ -}}
{{- end -}}
{{- range $key := list "priorityClassName" "runtimeClassName" "nodeSelector" "tolerations" "dnsPolicy" "dnsConfig" "hostAliases" "terminationGracePeriodSeconds" -}}
{{- with get $.pod $key }}{{ $_ := set $spec $key . }}{{ end -}}
{{- end -}}
{{- $own := include "outrider.override" (dict "base" (include "outrider.podSecurityContext" (int .c.user) | fromYaml) "with" $spec.securityContext) | fromYaml -}}
{{- $_ := set $spec "securityContext" (include "outrider.override" (dict "base" $own "with" .pod.podSecurityContext) | fromYaml) -}}
{{- $selector := dict "matchLabels" (include "outrider.selectorLabels" .c | fromYaml) -}}
{{- if .pod.affinity -}}
{{- $_ := set $spec "affinity" .pod.affinity -}}
{{- else if hasKey .c.values "replicas" -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" $selector -}}
{{- $preferred := list (dict "weight" 100 "podAffinityTerm" $term) -}}
{{- $_ := set $spec "affinity" (dict "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" $preferred)) -}}
{{- end -}}
{{- with include "outrider.topologySpread" (dict "constraints" .pod.topologySpreadConstraints "several" (hasKey .c.values "replicas") "selector" $selector) | fromYamlArray -}}
{{- $_ := set $spec "topologySpreadConstraints" . -}}
{{- end -}}
{{- end -}}

{{/*
Topology spread of a component with several copies: over nodes and zones where possible. A constraint of the user's that has no
labelSelector is about the component's own pods. matchLabelKeys keeps the pods of the last revision out of the count
during a rollout; a StatefulSet's have no such label, and the API server ignores it.
*/}}
{{- define "outrider.topologySpread" -}}
{{- $constraints := .constraints -}}
{{- if and .several (not $constraints) -}}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
{{- $constraints = append $constraints (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway" "matchLabelKeys" (list "pod-template-hash")) -}}
{{- end -}}
{{- end -}}
{{- range $constraints }}
- {{ merge (dict) . (dict "labelSelector" $.selector) | toYaml | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{- define "outrider.podContainers" -}}
{{- $c := .c -}}
{{- $names := list -}}
{{- range $i, $container := .spec.containers -}}
{{- $names = append $names $container.name -}}
{{- $_ := set $container "imagePullPolicy" $.pod.imagePullPolicy -}}
{{- $_ := set $container "securityContext" (include "outrider.override" (dict "base" (include "outrider.containerSecurityContext" . | fromYaml) "with" $.pod.securityContext) | fromYaml) -}}
{{- if eq $i 0 -}}
{{- $_ := set $container "image" (include "outrider.image" $c) -}}
{{- include "outrider.checkResources" (dict "block" $c.block "resources" ($c.values.resources | default dict)) -}}
{{- $_ := set $container "resources" $c.values.resources -}}
{{- with include "outrider.args" (dict "block" $c.block "args" ($container.args | default list) "values" $c.values "pinned" $c.pinned) | fromYamlArray }}{{ $_ := set $container "args" . }}{{ end -}}
{{- with concat ($container.env | default list) $.pod.extraEnv }}{{ $_ := set $container "env" . }}{{ end -}}
{{- with $.pod.extraEnvFrom }}{{ $_ := set $container "envFrom" . }}{{ end -}}
{{- with concat ($container.volumeMounts | default list) $.pod.extraVolumeMounts }}{{ $_ := set $container "volumeMounts" . }}{{ end -}}
{{- range $kind := list "startup" "liveness" "readiness" -}}
{{- $key := printf "%sProbe" $kind -}}
{{- with get $container $key }}{{ $_ := set $container $key (include "outrider.override" (dict "base" . "with" (get $.pod.probes $kind)) | fromYaml) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $key := list "extraContainers" "extraInitContainers" -}}
{{- range $i, $container := get $.pod $key -}}
{{- if has $container.name $names -}}
{{- fail (printf "%s.%s[%d]: the pod already has a container %q; choose another name" $c.block $key $i $container.name) -}}
{{- end -}}
{{- $names = append $names $container.name -}}
{{- end -}}
{{- end -}}
{{- $_ := set .spec "containers" (concat .spec.containers .pod.extraContainers) -}}
{{- with .pod.extraInitContainers }}{{ $_ := set $.spec "initContainers" . }}{{ end -}}
{{- end -}}

{{- define "outrider.podVolumes" -}}
{{- $names := list "data" -}}
{{- range .spec.volumes }}{{ $names = append $names .name }}{{ end -}}
{{- range $i, $volume := .pod.extraVolumes -}}
{{- if has $volume.name $names -}}
{{- fail (printf "%s.extraVolumes[%d]: the pod already has a volume %q; choose another name" $.c.block $i $volume.name) -}}
{{- end -}}
{{- $names = append $names $volume.name -}}
{{- end -}}
{{- with concat (.spec.volumes | default list) .pod.extraVolumes }}{{ $_ := set $.spec "volumes" . }}{{ end -}}
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

{{/*
How a workload is updated: a component, key (strategy of a Deployment, updateStrategy of the others) and rolling (its own default).
*/}}
{{- define "outrider.rollout" -}}
{{- $pod := include "outrider.pod" . | fromYaml -}}
{{- $strategy := $pod.updateStrategy -}}
{{- if and (not $strategy) .rolling }}{{ $strategy = dict "type" "RollingUpdate" "rollingUpdate" .rolling }}{{ end -}}
revisionHistoryLimit: {{ int $pod.revisionHistoryLimit }}
{{- with $strategy }}
{{ $.key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "outrider.podDisruptionBudget" -}}
{{- $budget := (include "outrider.pod" . | fromYaml).podDisruptionBudget -}}
{{- if $budget.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "outrider.metadata" . | nindent 2 }}
spec:
  {{- if ne (toString $budget.minAvailable) "" }}
  minAvailable: {{ $budget.minAvailable }}
  {{- else }}
  maxUnavailable: {{ $budget.maxUnavailable }}
  {{- end }}
  unhealthyPodEvictionPolicy: AlwaysAllow # a copy that does not work anyway must not hold up a drain
  selector:
    matchLabels:
      {{- include "outrider.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{- define "outrider.serviceAccountName" -}}
{{- $account := (include "outrider.pod" . | fromYaml).serviceAccount -}}
{{- if not (or $account.create $account.name) -}}
{{- fail (printf "serviceAccount.create of %s is false: set its serviceAccount.name to an account that exists" .name) -}}
{{- end -}}
{{- $account.name | default (include "outrider.name" .) -}}
{{- end -}}

{{/* The ServiceAccount of a component. Pods that need its token say so themselves. */}}
{{- define "outrider.serviceAccount" -}}
{{- $account := (include "outrider.pod" . | fromYaml).serviceAccount -}}
{{- if $account.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- set (include "outrider.metadata" . | fromYaml) "name" (include "outrider.serviceAccountName" .) | toYaml | nindent 2 }}
  {{- with $account.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}

{{/* A request above its limit is taken by the API server in a workload and refused in each of its pods: there would be none, and no error. */}}
{{- define "outrider.checkResources" -}}
{{- range $name, $request := .resources.requests -}}
{{- $limit := get ($.resources.limits | default dict) $name -}}
{{- if and $limit (gt (include "outrider.amount" $request | float64) (include "outrider.amount" $limit | float64)) -}}
{{- fail (printf "%s.resources.requests.%s is %v, above its limit %v, and no pod would be created: raise limits.%s too, or set it to null" $.block $name $request $limit $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A quantity of Kubernetes, such as 1.5Gi or 100m, as a number. */}}
{{- define "outrider.amount" -}}
{{- $text := kindIs "string" . | ternary (toString .) (printf "%f" (float64 .)) -}}
{{- $unit := regexFind "([numkKMGTPE]i?)?$" $text -}}
{{- $scale := dict "n" 0.000000001 "u" 0.000001 "m" 0.001 "k" 1e3 "K" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 "Pi" 1125899906842624.0 "Ei" 1152921504606846976.0 -}}
{{- mulf (trimSuffix $unit $text | float64) (get $scale $unit | default 1.0) -}}
{{- end -}}
