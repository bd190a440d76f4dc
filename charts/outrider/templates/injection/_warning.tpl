{{/*
Where there is no webhook, a pod that asked and was left starts without its exporter: its creator is warned, and the audit log
says why. A policy: a dict of root, name, optedIn.
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
        has(object.metadata.annotations) && 'outrider.dev/inject' in object.metadata.annotations && object.metadata.annotations['outrider.dev/inject'] != 'false'
        && !('outrider.dev/status' in object.metadata.annotations)
        {{- end }}
  variables:
    {{- include "outrider.injection.variables" . | nindent 4 }}
    - name: warning
      expression: >-
        variables.left == 'NotRecognized' && !('outrider.dev/inject' in variables.annotations) ? ''
        : 'outrider: ' + (variables.name == '' ? 'the pod' : variables.name) + ' is left without an exporter (' + (variables.left == '' ? 'NoAnswer' : variables.left) + '): '
          + {{- include "outrider.injection.reasons" . | nindent 12 }}[?variables.left].orValue('the policies do not decide this')
          + '; there is no webhook to decide it (webhook.mode: policy)'
  validations:
    - expression: variables.warning == ''
      messageExpression: variables.warning
  auditAnnotations:
    - key: left
      valueExpression: >-
        variables.warning
{{- end -}}

{{/* What the reasons of left mean, for people. */}}
{{- define "outrider.injection.reasons" -}}
{'NoData': 'the controller has not written the exporters yet',
  'NotRecognized': 'auto recognized none of its containers; name the exporter in outrider.dev/inject',
  'SeveralExporters': 'auto recognized several; name one in outrider.dev/inject',
  'Words': 'outrider.dev/inject names none, or several; name one',
  'NotExpressed': 'its definition cannot be expressed as a policy; see the condition Expressed of the Exporter',
  'Scrape': 'outrider.dev/scrape has several endpoints, or stands beside what is known of them; write one',
  'Suspended': 'its injection is suspended',
  'Budget': 'the namespace has a quota, or a LimitRange that would change it',
  'NamespaceAnnotation': 'an annotation of the namespace sets a default or a list',
  'Mesh': 'the pod is in a service mesh',
  'Annotation': 'an annotation under outrider.dev is unknown or has a bad value',
  'Size': 'the pod is very large',
  'Own': 'it already has a container, volume or label of Outrider',
  'Pod': 'a mirror pod, or one in the network of its node',
  'OperatingSystem': 'its node may not run Linux',
  'Owner': 'its owner deletes pods that differ, or the exporter is for one pod of a set',
  'Exporter': 'it already has an exporter',
  'PortCollision': 'the port of the exporter is taken',
  'Server': 'several containers could be the server, or none',
  'CommandLine': 'a setting may be in a script or in several words of one argument; set it by annotation',
  'Variable': 'a variable with a setting refers to another, or is set twice',
  'Flag': 'a flag of the server has a value that is put together elsewhere',
  'Ports': 'the server declares several ports; name one by annotation',
  'Required': 'a setting that the exporter needs is not shown; set it by annotation',
  'Volume': 'it needs a volume or a Secret of its own',
  'Obstacle': 'the server is set up in a way that the exporter cannot work with',
  'Account': 'its account is not shown by a reference to a Secret; name one: <exporter>.outrider.dev/secret: NAME/KEY'}
{{- end -}}
