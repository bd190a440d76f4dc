{{/* Steps to the sidecar, and to what else is added with it. */}}
{{- define "outrider.injection.sidecar" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
{{- /* What is added. */}}
- name: native
  expression: >-
    variables.completes || variables.annotations[?'outrider.dev/placement'].orValue('') == 'native'
- name: cover
  expression: >-
    object.spec.?automountServiceAccountToken.orValue(true)
- name: resources
  expression: >-
    object.spec.?resources.?requests.orValue({}).size() + object.spec.?resources.?limits.orValue({}).size() > 0 ? dyn({})
    : variables.containers.all(c, ['cpu', 'memory'].all(r, c.?resources.?limits[?r].hasValue() && quantity(string(c.resources.limits[r])).compareTo(quantity('0')) != 0
        && (!c.?resources.?requests[?r].hasValue() || quantity(string(c.resources.requests[r])).compareTo(quantity(string(c.resources.limits[r]))) == 0)))
      ? dyn({'requests': {'cpu': {{ $at.exporter.cpuLimit }}, 'memory': {{ $at.exporter.memoryLimit }}}, 'limits': {'cpu': {{ $at.exporter.cpuLimit }}, 'memory': {{ $at.exporter.memoryLimit }}}})
    : dyn({'requests': {'cpu': {{ $at.exporter.cpu }}, 'memory': {{ $at.exporter.memory }}}, 'limits': {'cpu': {{ $at.exporter.cpuLimit }}, 'memory': {{ $at.exporter.memoryLimit }}}})
{{- /* The texts of its command line and variables: as they usually are, or from their parts where they mention a parameter that has not its default. */}}
- name: changed
  expression: >-
    variables.parameters.filter(p, variables.values[{{ $at.p.name }}] != {{ $at.p.default }}).map(p, {{ $at.p.name }})
- name: usualTexts
  expression: >-
    {{ include "outrider.injection.of" "usual" }} + (variables.exhausted ? {{ include "outrider.injection.of" "essential" }} : [])
{{- range $kind := list "command" "arg" "env" }}
- name: {{ $kind }}s
  expression: >-
    variables.silent ? variables.usualTexts.filter(r, r[1] == '{{ $kind }}').map(r, {{ if eq $kind "env" }}{'name': dyn(r[2]), 'value': dyn({{ include "outrider.injection.unescaped" "r[3].substring(1)" }})}{{ else }}{{ include "outrider.injection.unescaped" "r[3].substring(1)" }}{{ end }})
    : ({{ include "outrider.injection.of" $kind }}{{ if ne $kind "command" }} + (variables.exhausted ? {{ include "outrider.injection.of" "essential" }}.filter(r, r[1] == '{{ $kind }}').map(r, r.slice(1, r.size())) : []){{ end }})
      .map(r, [r[1], variables.changed.size() == 0 || r.size() == 3 || !sets.intersects(r[3].split(','), variables.changed) ? {{ include "outrider.injection.unescaped" "r[2]" }} : {{ include "outrider.injection.text" . }}])
      .map(r, r[1] != '', {{ if eq $kind "env" }}{'name': dyn(r[0]), 'value': dyn(r[1].substring(1))}{{ else }}r[1].substring(1){{ end }})
{{- end }}
- name: container
  expression: >-
    {'name': dyn('outrider-' + variables.name), 'image': dyn({{ $at.exporter.image }}), 'resources': variables.resources,
      'ports': dyn([{'name': dyn('outrider-' + {{ $at.exporter.port }}), 'containerPort': dyn(int({{ $at.exporter.port }})), 'protocol': dyn('TCP')}]),
      'command': dyn(variables.commands), 'args': dyn(variables.args), 'env': dyn(variables.silent ? variables.envs : variables.fallback + variables.user + variables.password + variables.envs),
      'volumeMounts': dyn(variables.cover ? [{'name': dyn('outrider-no-token'), 'mountPath': dyn('/var/run/secrets/kubernetes.io/serviceaccount'), 'readOnly': dyn(true)}] : []),
      'terminationMessagePolicy': dyn('FallbackToLogsOnError'), ?'restartPolicy': variables.native ? optional.of(dyn('Always')) : optional.none(),
      'securityContext': dyn({'allowPrivilegeEscalation': dyn(false), 'capabilities': dyn({'drop': ['ALL']}), 'readOnlyRootFilesystem': dyn(true), 'runAsNonRoot': dyn(true),
        ?'runAsUser': {{ $at.exporter.user }} == '' ? optional.none() : optional.of(dyn(int({{ $at.exporter.user }}))), 'seccompProfile': dyn({'type': 'RuntimeDefault'})})}
{{- /* The annotations of the meshes that the pod joins, in which the exporter's port is left out. */}}
- name: meshes
  expression: >-
    variables.name == '' || variables.discovered ? [] :
    [variables.labels[?'sidecar.istio.io/inject'].orValue('') != '' ? variables.labels['sidecar.istio.io/inject'] : variables.annotations[?'sidecar.istio.io/inject'].orValue('')]
      .filter(choice, choice == 'true' || choice == '' && variables.namespaceLabels[?'istio-injection'].orValue('') != 'disabled'
        && (variables.namespaceLabels[?'istio-injection'].orValue('') == 'enabled' || variables.namespaceLabels[?'istio.io/rev'].orValue('') != ''
          || variables.labels[?'istio.io/rev'].orValue('') != '')).map(choice, 'traffic.sidecar.istio.io/excludeInboundPorts')
    + [variables.annotations[?'linkerd.io/inject'].orValue('')].filter(choice, choice in ['enabled', 'ingress']
        || choice == '' && variables.namespaceAnnotations[?'linkerd.io/inject'].orValue('') in ['enabled', 'ingress']).map(choice, 'config.linkerd.io/skip-inbound-ports')
- name: pulls
  expression: >-
    variables.name == '' || variables.discovered ? [] : {{ include "outrider.injection.lines" "variables.known['pullSecrets']" }}.filter(name, !object.spec.?imagePullSecrets.orValue([]).exists(s, s.?name.orValue('') == name))
- name: scrape
  expression: >-
    'outrider.dev/scrape' in variables.annotations ? ',{"key":"outrider.dev/scrape","outcome":"discovered","reason":"Annotated"}' : ''
- name: status
  expression: >-
    '{"decisions":[' + (variables.name == '' ? '' : '{"exporter":"' + variables.name + '","outcome":"' + (variables.discovered ? 'discovered' : 'injected') + '","reason":"' + variables.reason
      + '","definition":"' + {{ $at.exporter.definition }} + '"' + (variables.discovered ? ',"endpoint":"' + variables.endpoint + '"' : '')
      + (variables.exhausted ? ',"profile":"essential"' : '') + '}') + (variables.name == '' ? variables.scrape.substring(1) : variables.scrape) + ']'
      + (variables.pulls.size() == 0 ? '' : ',"pullSecrets":["' + variables.pulls.join('","') + '"]')
      + (variables.meshes.size() == 0 ? '' : ',"exclusions":[' + variables.meshes.map(key, '{"annotation":"' + key + '","added":"' + {{ $at.exporter.port }} + '"}').join(',') + ']') + '}'
{{- end -}}

{{/* The text of a record r by the parameters' values, behind =; empty where it mentions one that has none. */}}
{{- define "outrider.injection.text" -}}
[r.slice(4, r.size())].map(parts, parts.exists(part, part.startsWith('$') && variables.values[part.substring(1)] == '') ? ''
        : [parts.map(part, part.startsWith('=') ? {{ include "outrider.injection.unescaped" "part.substring(1)" }} : part.startsWith('$') ? variables.values[part.substring(1)].replace('$', '$$')
          : variables.values[part.substring(1, part.indexOf('='))].lowerAscii() in ['', 'false', 'no', 'off', '0'] ? '' : {{ include "outrider.injection.unescaped" "part.substring(part.indexOf('=') + 1)" }}).join('')].map(text, text == '' ? '' : '=' + text)[0])[0]
{{- end -}}
{{- define "outrider.injection.unescaped" -}}
{{ . }}.replace('\ue000', '\n').replace('\ue001', '\t')
{{- end -}}

{{/* The label by which coverage watches, which says who decides or why it is left, and the additions, all of them or none. */}}
{{- define "outrider.injection.patch" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
(variables.labels.size() > 0 ? [] : [JSONPatch{op: 'add', path: '/metadata/labels', value: {}}])
+ [JSONPatch{op: 'add', path: '/metadata/labels/outrider.dev~1requested', value: variables.left == '' ? 'policy' : variables.left}]
+ (variables.left != '' ? [] : (variables.annotations.size() > 0 ? [] : [JSONPatch{op: 'add', path: '/metadata/annotations', value: {}}])
  + [JSONPatch{op: 'add', path: '/metadata/labels/outrider.dev~1monitored', value: 'true'},
     JSONPatch{op: 'add', path: '/metadata/annotations/outrider.dev~1status', value: variables.status}]
  + (variables.name == '' ? []
    : (variables.discovered ? [JSONPatch{op: 'add', path: '/metadata/annotations/outrider.dev~1scrape', value: variables.endpoint}] : {{ include "outrider.injection.added" . }})
      + (variables.exhausted ? [JSONPatch{op: 'add', path: '/metadata/annotations/outrider.dev~1essential', value: variables.name}] : [])))
{{- end -}}

{{/* What a pod with a sidecar gets. */}}
{{- define "outrider.injection.added" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
(variables.native ? [JSONPatch{op: 'add', path: has(object.spec.initContainers) ? '/spec/initContainers/-' : '/spec/initContainers', value: has(object.spec.initContainers) ? dyn(variables.container) : dyn([variables.container])}]
        : [JSONPatch{op: 'add', path: '/spec/containers/-', value: variables.container}])
      + (!variables.cover ? [] : [{'name': dyn('outrider-no-token'), 'downwardAPI': dyn({})}].map(volume, has(object.spec.volumes)
        ? JSONPatch{op: 'add', path: '/spec/volumes/-', value: volume} : JSONPatch{op: 'add', path: '/spec/volumes', value: [volume]}))
      + (variables.pulls.size() == 0 || has(object.spec.imagePullSecrets) ? [] : [JSONPatch{op: 'add', path: '/spec/imagePullSecrets', value: []}])
      + variables.pulls.map(name, JSONPatch{op: 'add', path: '/spec/imagePullSecrets/-', value: {'name': name}})
      + variables.meshes.map(key, JSONPatch{op: 'add', path: '/metadata/annotations/' + key.replace('/', '~1'), value: {{ $at.exporter.port }}})
      + ({{ $at.exporter.samples }} == '' ? [] : [JSONPatch{op: 'add', path: '/metadata/annotations/outrider.dev~1sample-limit', value: {{ $at.exporter.samples }}}])
{{- end -}}
