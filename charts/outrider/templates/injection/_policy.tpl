{{/* A policy: a dict of root, name, optedIn (whether it is for namespaces whose pods are looked at without being annotated). */}}
{{- define "outrider.injection.policy" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  {{- include "outrider.clusterMetadata" (dict "root" .root "name" .name) | nindent 2 }}
spec:
  # An evaluation that fails leaves the pod to the webhook.
  failurePolicy: Ignore
  reinvocationPolicy: Never
  paramKind:
    apiVersion: v1
    kind: ConfigMap
  matchConstraints:
    {{- include "outrider.injection.pods" . | nindent 4 }}
    # A pod that is decided is admitted a second time because it was changed, and need not be looked at again. This asks nothing of CEL.
    objectSelector:
      matchExpressions:
        - key: outrider.dev/requested
          operator: NotIn
          values: [policy]
  matchConditions:
    # One condition, because all of several are evaluated for every pod.
    - name: asks
      expression: >-
        {{- if .optedIn }}
        !has(object.metadata.annotations) || !('outrider.dev/status' in object.metadata.annotations)
        && (!('outrider.dev/inject' in object.metadata.annotations) || object.metadata.annotations['outrider.dev/inject'] != 'false')
        {{- else }}
        has(object.metadata.annotations) && {{ include "outrider.webhook.asks" . }}
        && !('outrider.dev/status' in object.metadata.annotations)
        && (!('outrider.dev/inject' in object.metadata.annotations) || object.metadata.annotations['outrider.dev/inject'] != 'false')
        {{- end }}
  variables:
    {{- include "outrider.injection.variables" . | nindent 4 }}
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          {{- include "outrider.injection.patch" . | nindent 10 }}
{{- end -}}

{{/* Its binding. */}}
{{- define "outrider.injection.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  {{- include "outrider.clusterMetadata" (dict "root" .root "name" .name) | nindent 2 }}
spec:
  policyName: {{ include "outrider.name" (dict "root" .root "name" .name) }}
  paramRef:
    {{- include "outrider.policies.paramRef" .root | nindent 4 }}
{{- end -}}

{{/* Whether the API server injects: it can from Kubernetes 1.36 on. */}}
{{- define "outrider.injection.on" -}}
{{- $capabilities := .Capabilities -}}
{{- $known := $capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" -}}
{{- $can := ternary ($capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy") (semverCompare ">=1.36-0" $capabilities.KubeVersion.Version) $known -}}
{{- if and (eq .Values.webhook.mode "policy") (not $can) -}}
{{- fail "webhook.mode is policy, and this API server serves no MutatingAdmissionPolicy of admissionregistration.k8s.io/v1 (Kubernetes 1.36): set webhook.mode to auto or webhook" -}}
{{- end -}}
{{- if or (eq .Values.webhook.mode "policy") (and (eq .Values.webhook.mode "auto") $can) }}true{{ end -}}
{{- end -}}

{{/* The pods that a policy is for: a dict of root and optedIn. */}}
{{- define "outrider.injection.pods" -}}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
        {{- prepend (.root.Values.webhook.excludedNamespaces | default list) (include "outrider.namespace" .root) | uniq | toYaml | nindent 8 }}
    {{- include "outrider.webhook.selector" . | nindent 4 }}
resourceRules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
{{- end -}}
