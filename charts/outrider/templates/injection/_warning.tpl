{{/*
Where there is no webhook, a pod that asked and was left starts without its exporter: its creator is warned, and the audit log
says why, by the label that the policies which inject have written. A policy: a dict of root, name, optedIn.
*/}}
{{- define "outrider.injection.warning" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  {{- include "outrider.clusterMetadata" (dict "root" .root "name" .name) | nindent 2 }}
spec:
  failurePolicy: Ignore
  paramKind:
    apiVersion: v1
    kind: ConfigMap
  matchConstraints:
    {{- include "outrider.injection.pods" . | nindent 4 }}
  matchConditions:
    - name: asks
      expression: >-
        {{- if .optedIn }}
        !has(object.metadata.annotations) || !('outrider.dev/status' in object.metadata.annotations)
        && (!('outrider.dev/inject' in object.metadata.annotations) || object.metadata.annotations['outrider.dev/inject'] != 'false')
        {{- else }}
        has(object.metadata.annotations) && ('outrider.dev/inject' in object.metadata.annotations && object.metadata.annotations['outrider.dev/inject'] != 'false'
        || 'outrider.dev/scrape' in object.metadata.annotations) && !('outrider.dev/status' in object.metadata.annotations)
        {{- end }}
  variables:
    # What the policies that inject have written: why they left the pod.
    - name: left
      expression: >-
        object.metadata.?labels[?'outrider.dev/requested'].orValue('NoAnswer')
    - name: warning
      expression: >-
        variables.left == 'NotRecognized' && !('outrider.dev/inject' in object.metadata.?annotations.orValue({})) ? ''
        : 'outrider: the pod is left without an exporter (' + variables.left + '): '
          + params.?data[?'left.' + variables.left].orValue('the policies give no answer; outrider check says more')
  validations:
    - expression: variables.warning == ''
      messageExpression: variables.warning
  auditAnnotations:
    - key: left
      valueExpression: >-
        variables.warning
{{- end -}}
