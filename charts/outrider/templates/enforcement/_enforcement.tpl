{{/*
What both policies have in common: what is missing in a pod. The data is the controller's, in the parameter object;
sidecars.Recognition describes its keys. Nothing here is newer than Kubernetes 1.30.
*/}}
{{- define "outrider.enforcement.variables" -}}
# The pod, or the template of pods.
- name: pod
  expression: >-
    object.kind == 'Pod' ? dyn(object) : object.kind == 'CronJob' ? dyn(object).spec.jobTemplate.spec.template : dyn(object).spec.template
- name: annotations
  expression: >-
    has(variables.pod.metadata) && has(variables.pod.metadata.annotations) ? variables.pod.metadata.annotations : {}
- name: known
  expression: >-
    has(params.data) ? params.data : {}
# What is asked for: the words of the annotation, or auto where the namespace is opted in.
- name: asked
  expression: >-
    'outrider.dev/inject' in variables.annotations && variables.annotations['outrider.dev/inject'].size() <= 4096
    ? string(variables.annotations['outrider.dev/inject']).split(',').map(word, word.trim())
    : {{ include "outrider.enforcement.optedIn" . }} ? ['auto'] : []
- name: allowed
  expression: >-
    has(namespaceObject.metadata.annotations) && 'outrider.dev/allow' in namespaceObject.metadata.annotations
    && namespaceObject.metadata.annotations['outrider.dev/allow'].size() <= 4096
    ? namespaceObject.metadata.annotations['outrider.dev/allow'].split(',').map(word, word.trim()).filter(word, word != '') : []
- name: denied
  expression: >-
    has(namespaceObject.metadata.annotations) && 'outrider.dev/deny' in namespaceObject.metadata.annotations
    && namespaceObject.metadata.annotations['outrider.dev/deny'].size() <= 4096
    ? namespaceObject.metadata.annotations['outrider.dev/deny'].split(',').map(word, word.trim()) : []
{{- include "outrider.recognition.variables" (dict "containers" 256 "elements" 3000 "bytes" 32768 "looked" "variables.large ? [] : variables.running") }}
# The pod serves metrics itself, or says why it need not.
- name: scraped
  expression: >-
    'outrider.dev/scrape' in variables.annotations && variables.annotations['outrider.dev/scrape'].size() <= 4096 && 'endpoints' in variables.known && variables.annotations['outrider.dev/scrape'].matches(variables.known['endpoints'])
- name: exemption
  expression: >-
    'outrider.dev/exempt' in variables.annotations && variables.annotations['outrider.dev/exempt'].size() <= 4096 ? string(variables.annotations['outrider.dev/exempt']) : ''
- name: dated
  expression: >-
    variables.exemption.startsWith('until ') && 'exemption' in variables.known && variables.exemption.matches(variables.known['exemption'])
- name: exempt
  expression: >-
    variables.exemption.trim() != '' && (!variables.exemption.startsWith('until ')
    || variables.dated && (!('date' in variables.known) || variables.exemption.substring(6, 16) >= variables.known['date']))
# The recognized workloads that nothing watches, in the order of their names.
- name: unwatched
  expression: >-
    !('exporters' in variables.known) || variables.scraped ? [] : string(variables.known['exporters']).split('\n').filter(name,
      name in variables.serving && !(name in variables.carried)
      && !('exporting.' + name in variables.known && variables.exporting.exists(container, container.matches(variables.known['exporting.' + name])))
      && (name in variables.asked || !(name in variables.denied) && (variables.allowed.size() == 0 || name in variables.allowed))
      && !('native' in variables.known && name in string(variables.known['native']).split('\n')
        && has(variables.pod.metadata) && has(variables.pod.metadata.labels)
        && 'outrider.dev/monitored' in variables.pod.metadata.labels && variables.pod.metadata.labels['outrider.dev/monitored'] == 'true'))
- name: missing
  expression: >-
    variables.exempt ? [] : variables.unwatched
# What Outrider decided, where it was asked.
- name: status
  expression: >-
    'outrider.dev/status' in variables.annotations && variables.annotations['outrider.dev/status'].size() <= 32768 ? string(variables.annotations['outrider.dev/status']) : ''
{{- end -}}

{{/* Whether the namespace's pods are looked at without being annotated. */}}
{{- define "outrider.enforcement.optedIn" -}}
{{- if eq .Values.webhook.optIn "all" -}}
!(has(namespaceObject.metadata.labels) && 'outrider.dev/inject' in namespaceObject.metadata.labels && namespaceObject.metadata.labels['outrider.dev/inject'] == 'disabled')
{{- else -}}
has(namespaceObject.metadata.labels) && 'outrider.dev/inject' in namespaceObject.metadata.labels && namespaceObject.metadata.labels['outrider.dev/inject'] == 'enabled'
{{- end -}}
{{- end -}}

{{/* The namespaces that a policy is not for. */}}
{{- define "outrider.enforcement.namespaceSelector" -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values:
      {{- prepend (.Values.webhook.excludedNamespaces | default list) (include "outrider.namespace" .) | uniq | toYaml | nindent 6 }}
  - key: outrider.dev/enforce
    operator: In
    values: [audit, warn, deny]
{{- end -}}

{{/* Whether there are policies. */}}
{{- define "outrider.enforcement.on" -}}
{{- if eq .Values.enforcement.mode "labeled" }}true{{ end -}}
{{- end -}}

{{/* A binding: a dict of root, policy and action (names), values (of the namespaces' label) and actions. */}}
{{- define "outrider.enforcement.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  {{- include "outrider.clusterMetadata" (dict "root" .root "name" (printf "%s-%s" .policy .action)) | nindent 2 }}
spec:
  policyName: {{ include "outrider.name" (dict "root" .root "name" .policy) }}
  paramRef:
    {{- include "outrider.policies.paramRef" .root | nindent 4 }}
  matchResources:
    namespaceSelector:
      matchExpressions:
        - key: outrider.dev/enforce
          operator: In
          values:
            {{- toYaml .values | nindent 12 }}
  validationActions:
    {{- toYaml .actions | nindent 4 }}
{{- end -}}
