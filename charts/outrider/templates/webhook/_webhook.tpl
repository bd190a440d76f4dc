{{- define "outrider.webhook.serviceName" -}}
{{ include "outrider.fullname" . }}-webhook
{{- end -}}

{{/*
The API server calls configurations in the order of their names, and the injectors of meshes read annotations that Outrider
writes: a digit sorts before istio-…, linkerd-… and whatever else begins with a letter.
*/}}
{{- define "outrider.webhook.configurationName" -}}
00-{{ include "outrider.fullname" . }}
{{- end -}}

{{/*
The caBundle of the configuration of releases up to 0.2.0, which had another name, in the upgrade that renames it: the new one is
trusted before the controller has seen it. Empty otherwise, so that tools that compare see no drift when an authority is renewed.
A release that repeated it once, which an annotation says, repeats the live one from then on: Helm takes away what its last
manifest had and its next has not.
*/}}
{{- define "outrider.webhook.caBundle" -}}
{{- $own := lookup "admissionregistration.k8s.io/v1" "MutatingWebhookConfiguration" "" (include "outrider.webhook.configurationName" .) -}}
{{- if $own -}}
{{- if eq (dig "metadata" "annotations" "outrider.dev/ca-bundle" "" $own) "repeated" -}}
{{- (first $own.webhooks).clientConfig.caBundle | default "" -}}
{{- end -}}
{{- else -}}
{{- with (lookup "admissionregistration.k8s.io/v1" "MutatingWebhookConfiguration" "" (include "outrider.fullname" .)).webhooks -}}
{{- (first .).clientConfig.caBundle | default "" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Service under whose name the API server puts a new authority to the proof; the controller adds the suffix too. */}}
{{- define "outrider.webhook.probeName" -}}
{{ include "outrider.webhook.serviceName" . }}-probe
{{- end -}}

{{/* The Secret of the mode. Each has one of its own, so that old and new replicas of a change of mode do not share it. */}}
{{- define "outrider.webhook.secretName" -}}
{{- if eq .Values.certs.mode "secret" -}}
{{ required "certs.mode is secret: certs.secretName must name a Secret of the release's namespace with tls.crt, tls.key and ca.crt" .Values.certs.secretName }}
{{- else if eq .Values.certs.mode "cert-manager" -}}
{{ include "outrider.fullname" . }}-webhook-cert
{{- else -}}
{{ include "outrider.fullname" . }}-webhook-tls
{{- end -}}
{{- end -}}

{{/* The Secret of the authority that cert-manager makes where no issuer is given. */}}
{{- define "outrider.webhook.authorityName" -}}
{{ include "outrider.fullname" . }}-webhook-ca
{{- end -}}

{{/* What both webhook entries have in common: which requests, where to, and what if there is no answer. */}}
{{- define "outrider.webhook.call" -}}
clientConfig:
  {{- with include "outrider.webhook.caBundle" .root }}
  caBundle: {{ . }}
  {{- end }}
  service:
    name: {{ include "outrider.webhook.serviceName" .root }}
    namespace: {{ include "outrider.namespace" .root | quote }}
    port: 443
    path: {{ .path }}
rules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
matchPolicy: Equivalent
admissionReviewVersions: [v1]
sideEffects: None
reinvocationPolicy: IfNeeded
failurePolicy: {{ .root.Values.webhook.failurePolicy }}
timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
{{- end -}}

{{/* Conditions by which pods that need no answer cost no call. */}}
{{- define "outrider.webhook.unanswered" -}}
- name: not-opted-out
  expression: >-
    !has(object.metadata.annotations) ||
    !('outrider.dev/inject' in object.metadata.annotations) ||
    object.metadata.annotations['outrider.dev/inject'] != 'false'
{{- if include "outrider.injection.on" . }}
# By the policy, in this request. A status that a user has written lets a pod of theirs pass without an exporter, as false in
# inject does: it must fit what the pod asks for, and name what the pod has.
- name: not-decided
  expression: >-
    !has(object.metadata.annotations) || !('outrider.dev/status' in object.metadata.annotations) ||
    !has(object.metadata.labels) || !('outrider.dev/monitored' in object.metadata.labels) ||
    !object.metadata.annotations['outrider.dev/status'].matches('^[{]"decisions":[[](?:[{]"exporter":"[-a-z0-9]+","outcome":"(?:injected|discovered)","reason":"(?:Annotated|Recognized)","definition":"[0-9a-f]{8}"(?:,"endpoint":"[^"]+")?[}])?(?:,?[{]"key":"outrider.dev/scrape","outcome":"discovered","reason":"Annotated"[}])?](?:,"pullSecrets":[[][^]{}]*])?(?:,"exclusions":[[](?:,?[{]"annotation":"[^"]+","added":"[0-9]+"[}])+])?[}]$') ||
    ('outrider.dev/scrape' in object.metadata.annotations) != object.metadata.annotations['outrider.dev/status'].contains('discovered') ||
    ('outrider.dev/inject' in object.metadata.annotations ? object.metadata.annotations['outrider.dev/inject'] != 'auto' &&
      !object.metadata.annotations['outrider.dev/status'].startsWith('{"decisions":[{"exporter":"' + object.metadata.annotations['outrider.dev/inject'] + '",')
      : false) ||
    (object.metadata.annotations['outrider.dev/status'].contains('"endpoint":') ?
      !object.metadata.annotations['outrider.dev/status'].contains('"endpoint":"' + object.metadata.annotations['outrider.dev/scrape'] + '"') :
      object.metadata.annotations['outrider.dev/status'].contains('"outcome":"injected"') ?
      !(object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])).exists(c, c.name.startsWith('outrider-') &&
        object.metadata.annotations['outrider.dev/status'].startsWith('{"decisions":[{"exporter":"' + c.name.substring(9) + '",')) :
      'outrider.dev/inject' in object.metadata.annotations)
{{- end }}
{{- end -}}

{{/* The namespaces whose pods are looked at without being annotated, or the others: a dict of root and optedIn. */}}
{{- define "outrider.webhook.selector" -}}
{{- $all := eq .root.Values.webhook.optIn "all" -}}
- key: outrider.dev/inject
  operator: {{ ternary "In" "NotIn" (ne $all .optedIn) }}
  values: [{{ ternary "disabled" "enabled" $all }}]
{{- end -}}

{{/*
Whether a pod has one of our annotations. Of more than a thousand only two are asked for: looking at each takes the API server
a time that grows with the square of their number.
*/}}
{{- define "outrider.webhook.asks" -}}
(object.metadata.annotations.size() > 1000 ? 'outrider.dev/inject' in object.metadata.annotations || 'outrider.dev/scrape' in object.metadata.annotations : object.metadata.annotations.exists(key, key.startsWith('outrider.dev/') || key.contains('.outrider.dev/')))
{{- end -}}
