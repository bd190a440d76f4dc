{{/*
What both policies have in common: how a workload is told from its pod and what is missing in it. The data is the
controller's, in the parameter object; sidecars.Recognition describes its keys. Nothing here is newer than Kubernetes 1.30.
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
    'outrider.dev/inject' in variables.annotations
    ? string(variables.annotations['outrider.dev/inject']).split(',').map(word, word.trim())
    : {{ include "outrider.enforcement.optedIn" . }} ? ['auto'] : []
- name: allowed
  expression: >-
    has(namespaceObject.metadata.annotations) && 'outrider.dev/allow' in namespaceObject.metadata.annotations
    ? namespaceObject.metadata.annotations['outrider.dev/allow'].split(',').map(word, word.trim()).filter(word, word != '') : []
- name: denied
  expression: >-
    has(namespaceObject.metadata.annotations) && 'outrider.dev/deny' in namespaceObject.metadata.annotations
    ? namespaceObject.metadata.annotations['outrider.dev/deny'].split(',').map(word, word.trim()) : []
# The containers that could be servers: for each, the exporters that they would be servers of, and its command line.
- name: candidates
  expression: >-
    variables.pod.spec.containers.map(c, {
      'of': dyn([(has(c.image) ? string(c.image) : '').split('@')[0]].map(image, image.substring(image.lastIndexOf('/') + 1).split(':')[0]).map(image,
        'image.' + image in variables.known ? string(variables.known['image.' + image])
        : has(c.ports) ? c.ports.map(p, [string(c.name), has(p.name) ? string(p.name) : '']
            .map(name, 'port.' + string(p.containerPort) + '.' + name)
            .map(key, key in variables.known, string(variables.known[key])).join('\n')).join('\n')
        : '')[0].split('\n').filter(name, name != '')),
      'words': dyn((has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])),
      'own': dyn((!has(c.command) || c.command.size() == 0) && (!has(c.args) || c.args.size() == 0 || c.args[0].startsWith('-')))
    }).filter(c, c.of.size() > 0 && c.words.all(word, !word.contains('\x01')))
# Those command lines as lists of words: one, or one for each command of a shell's script. What would be read in another
# way than the webhook does is left out: such a container is no server here.
- name: read
  expression: >-
    variables.candidates.map(c, {
      'of': c.of,
      'own': c.own,
      'line': dyn(c.words.map(word, string(word)).join('\x01'))
    }).map(c, {
      'of': c.of,
      'own': c.own,
      'line': c.line,
      'start': dyn(string(c.line).find(variables.known['shell']))
    }).map(c, {
      'of': c.of,
      'own': c.own,
      'script': dyn(c.start != ''),
      'text': dyn(c.start == '' ? string(c.line) : string(c.line).substring(c.start.size()).split('\x01')[0])
    }).filter(c, !c.script || !c.text.matches(r'[\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]')).map(c, {
      'of': c.of,
      'own': c.own,
      'script': c.script,
      'lines': dyn(!c.script ? [string(c.text).split('\x01')]
        : string(c.text).replace('|', ';').replace('&', ';').replace('\n', ';').split(';').map(command,
            command.replace('\t', ' ').replace('\v', ' ').replace('\f', ' ').replace('\r', ' ').split(' ').filter(word, word != '')
              .map(word, word.find(r'''(?s:[^"'](?:.*[^"'])?)'''))))
    })
# The programs that they run: the first word that neither is a flag nor an assignment nor only starts another.
- name: servers
  expression: >-
    variables.read.map(c, {
      'of': c.of,
      'own': dyn(c.own || !c.script && c.lines[0].all(word, string(word).matches(variables.known['passed']))),
      'words': c.lines,
      'programs': dyn(c.lines.map(line, line.filter(word, !string(word).matches(variables.known['passed'])).map(word, string(word).split('/').filter(part, part != '')))
        .filter(line, line.size() > 0 && line[0].size() > 0).map(line, line[0][line[0].size() - 1]))
    })
- name: serving
  expression: >-
    variables.servers.map(c, c.of.filter(name,
      (c.own || !('commands.' + name in variables.known) || c.programs.exists(program, program in string(variables.known['commands.' + name]).split('\n')))
      && !('notArgs.' + name in variables.known && c.words.exists(line, line.exists(word, word in string(variables.known['notArgs.' + name]).split('\n'))))
    ).map(name, string(name)).join('\n')).join('\n').split('\n')
# All containers, by what they say of exporters.
- name: containers
  expression: >-
    variables.pod.spec.containers + (has(variables.pod.spec.initContainers) ? variables.pod.spec.initContainers : [])
- name: carried
  expression: >-
    variables.containers.map(c, [(has(c.image) ? string(c.image) : '').split('@')[0]].map(image, 'carries.' + image.substring(image.lastIndexOf('/') + 1).split(':')[0])
      .map(key, key in variables.known, string(variables.known[key])).join('\n')).join('\n').split('\n')
    + variables.containers.filter(c, c.name.startsWith('outrider-')).map(c, string(c.name).substring(9))
# The pod serves metrics itself, or says why it need not.
- name: scraped
  expression: >-
    'outrider.dev/scrape' in variables.annotations && 'endpoints' in variables.known && variables.annotations['outrider.dev/scrape'].matches(variables.known['endpoints'])
- name: exemption
  expression: >-
    'outrider.dev/exempt' in variables.annotations ? string(variables.annotations['outrider.dev/exempt']) : ''
- name: dated
  expression: >-
    variables.exemption.startsWith('until ') && 'exemption' in variables.known && variables.exemption.matches(variables.known['exemption'])
- name: exempt
  expression: >-
    variables.exemption.trim() != '' && (!variables.exemption.startsWith('until ')
    || variables.dated && (!('date' in variables.known) || variables.exemption.substring(6, 16) >= variables.known['date']))
# The recognised workloads that nothing watches, in the order of their names.
- name: unwatched
  expression: >-
    !('exporters' in variables.known) || variables.scraped ? [] : string(variables.known['exporters']).split('\n').filter(name,
      name in variables.serving && !(name in variables.carried)
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
    'outrider.dev/status' in variables.annotations ? string(variables.annotations['outrider.dev/status']) : ''
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
{{- if eq .Values.enforcement.mode "labelled" }}true{{ end -}}
{{- end -}}

{{/* A binding: a dict of root, policy and action (names), values (of the namespaces' label) and actions. */}}
{{- define "outrider.enforcement.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  {{- include "outrider.clusterMetadata" (dict "root" .root "name" (printf "%s-%s" .policy .action)) | nindent 2 }}
spec:
  policyName: {{ include "outrider.name" (dict "root" .root "name" .policy) }}
  # Without the object, which is the controller's, nothing is recognised and everything is let through.
  paramRef:
    name: {{ include "outrider.name" (dict "root" .root "name" "enforcement") }}
    namespace: {{ include "outrider.namespace" .root | quote }}
    parameterNotFoundAction: Allow
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
