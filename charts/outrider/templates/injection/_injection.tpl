{{/*
The steps from a pod that asks for one exporter to what is added to it. The data is the controller's, in the parameter
object; sidecars.Catalog.Injection describes its keys. What is not decided exactly as the webhook does has a reason in the
variable left, and goes to the webhook as it is. An error leaves the pod to the webhook, too. From Kubernetes 1.36.
*/}}
{{- define "outrider.injection.variables" -}}
- name: pod
  expression: dyn(object)
- name: known
  expression: params.?data.orValue({})
- name: annotations
  expression: object.metadata.?annotations.orValue({})
- name: labels
  expression: object.metadata.?labels.orValue({})
- name: namespaceAnnotations
  expression: namespaceObject.metadata.?annotations.orValue({})
- name: namespaceLabels
  expression: namespaceObject.metadata.?labels.orValue({})
{{- include "outrider.recognition.variables" . }}
{{- /* Which exporter, and why. */}}
- name: asked
  expression: >-
    'outrider.dev/inject' in variables.annotations ? string(variables.annotations['outrider.dev/inject']) : {{ if .optedIn }}'auto'{{ else }}''{{ end }}
- name: names
  expression: >-
    variables.asked == 'auto' ? variables.serving.filter(name, name != '').distinct() : variables.asked == '' ? [] : [variables.asked]
- name: name
  expression: >-
    variables.names.size() == 1 ? variables.names[0] : ''
- name: reason
  expression: >-
    variables.asked == 'auto' ? 'Recognized' : 'Annotated'
- name: key
  expression: >-
    variables.name + '.outrider.dev/'
{{- /* Its definition, from records. */}}
- name: records
  expression: >-
    variables.known[?'exporter.' + variables.name].orValue('left\tunknown').split('\n\n').map(kind, kind == '' ? [] : kind.split('\n').map(line, line.split('\t')))
- name: exporter
  expression: >-
    {{ include "outrider.injection.of" "exporter" }}[0]
- name: discovered
  expression: >-
    variables.exporter[1] == 'native'
{{- /* Whether the namespace has used up its budget of series: everything has the profile essential. */}}
- name: exhausted
  expression: >-
    namespaceObject.metadata.name in variables.known[?'exhausted'].orValue('').split('\n')
- name: parameters
  expression: >-
    {{ include "outrider.injection.of" "parameter" }}.map(r, [{{ include "outrider.injection.of" "value" }}.filter(v, v[1] == r[1])].map(own, {
      'name': dyn(r[1]), 'key': dyn(variables.key + r[1]), 'round': dyn(r[2]), 'default': dyn(r[3]), 'pattern': dyn(r[4]), 'part': dyn(r[6]),
      'flags': dyn({{ include "outrider.injection.list" "r[5]" }}), 'env': dyn({{ include "outrider.injection.list" "r[7]" }}),
      'fromPorts': dyn(r[8] != ''), 'portNames': dyn({{ include "outrider.injection.list" "r[9]" }}), 'required': dyn(r[10] != ''), 'usual': dyn(r[11] != ''),
      'signs': dyn(own.filter(v, v[2] == 'sign').map(v, {{ include "outrider.injection.condition" "v[4] v[5]" }})),
      'defaults': dyn(own.filter(v, v[2] == 'default').map(v, {{ include "outrider.injection.condition" "v[4] v[5]" }}))
    })[0])
- name: signs
  expression: >-
    {{ include "outrider.injection.of" "sign" }}.map(r, {'id': r[1], 'round': r[2], 'kind': r[3], 'name': r[4], 'matches': r[5]})
- name: obstacles
  expression: >-
    {{ include "outrider.injection.of" "obstacle" }}.map(v, {{ include "outrider.injection.condition" "v[1] v[2]" }})
- name: credentials
  expression: >-
    {{ include "outrider.injection.of" "credentials" }}.map(r, {
      'user': dyn(r[1]), 'fallback': dyn(r[2]), 'password': dyn(r[3]), 'key': dyn(r[4]), 'required': dyn(r[5] != ''), 'unless': dyn({{ include "outrider.injection.list" "r[6]" }})})
- name: reads
  expression: >-
    {{ include "outrider.injection.of" "reads" }}.map(r, {{ include "outrider.injection.list" "r[1]" }})[0]
- name: unset
  expression: >-
    {{ include "outrider.injection.of" "unset" }}.map(r, {{ include "outrider.injection.list" "r[1]" }})[0]
{{- /* The container that the exporter is for: the only one, or the only one that serves its workload. */}}
- name: servers
  expression: >-
    variables.key + 'container' in variables.annotations ? variables.running.filter(c, c.name == variables.annotations[variables.key + 'container'])
    : variables.running.size() == 1 ? variables.running
    : variables.running.transformList(i, c, variables.name in string(variables.served[i]).split('\n'), c)
- name: server
  expression: >-
    variables.servers[0]
- name: image
  expression: >-
    variables.server.?image.orValue('').split('@')[0]
- name: env
  expression: >-
    variables.server.?env.orValue([]).transformMapEntry(i, v, {string(v.name): v})
{{- /* Its variables that have a value, or a reference to one. */}}
- name: has
  expression: >-
    variables.server.?env.orValue([]).filter(v, has(v.valueFrom) || v.?value.orValue('') != '').map(v, string(v.name))
- name: tcp
  expression: >-
    variables.server.?ports.orValue([]).filter(p, p.?protocol.orValue('TCP') == 'TCP').map(p, {'port': dyn(string(p.containerPort)), 'name': dyn(string(p.?name.orValue(''))),
      'of': dyn('port.' + string(p.containerPort) in variables.known && variables.name in string(variables.known['port.' + string(p.containerPort)]).split('\n')),
      'other': dyn('notPorts.' + variables.name in variables.known && string(p.containerPort) in string(variables.known['notPorts.' + variables.name]).split('\n'))})
{{- /* Its command line, a shell's script taken apart: one of words, with quotes around whole words only. Others are left where they
may have one of the flags, and so are several words in one. */}}
- name: line
  expression: >-
    (variables.server.?command.orValue([]) + variables.server.?args.orValue([])).map(word, string(word))
- name: script
  expression: >-
    variables.line.size() > 2 && variables.line[0].matches(variables.known['shell']) && variables.line[1].matches('^-[a-z]*c$') && !(variables.line[2] in [variables.line[0], variables.line[1]])
    && variables.line[2].matches(r"""^(?:[ \t\r\n;|&]*(?:"(?:[^"\\`$]|[$][A-Za-z0-9_]|[$][({][^"\\`$(){}]*[)}])*"|(?:[^ \t\r\n;|&"'\\`#$]|[$][A-Za-z0-9_])+)(?:[ \t\r\n;|&]+|$))*$""")
- name: taken
  expression: >-
    variables.script || !variables.line.exists(word, word.matches(variables.known['shell']) || word.startsWith('-') && word.matches('[ \t\n]') || word.contains(' --'))
- name: mentioned
  expression: >-
    variables.line.size() > 0 && {{ include "outrider.injection.of" "flags" }}.filter(r, r[1] != '').exists(r, variables.line.join(' ').replace('"', '').replace("'", '').replace('\\\n', '').replace('\\', '').matches(r[1]))
- name: words
  expression: >-
    !variables.taken || !variables.mentioned ? []
    : variables.script ? variables.line[2].findAll(r"""(?:"[^"]*"|[^ \t\r\n;|&"]+)""").map(word, word.replace('"', '')) + variables.line.slice(3, variables.line.size())
    : variables.line
- name: flags
  expression: >-
    variables.words.size() == 0 ? [] : ({{ include "outrider.injection.of" "parameter" }}.map(r, {{ include "outrider.injection.list" "r[5]" }}).flatten()
      + {{ include "outrider.injection.of" "sign" }}.filter(r, r[3] == 'arg').map(r, r[4])
      + {{ include "outrider.injection.of" "account" }}.map(r, {{ include "outrider.injection.list" "r[5]" }}).flatten()
      + {{ include "outrider.injection.of" "socket" }}.map(r, r[1])).distinct()
{{- /* Each flag with its values, in the order of the words; where given is false there is no word behind it. */}}
- name: folded
  expression: >-
    variables.words.map(word, word.lowerAscii().replace('_', '-'))
- name: hits
  expression: >-
    variables.flags.transformMapEntry(k, f, {f: [f.lowerAscii().replace('_', '-')].map(fold,
      f.contains(' ') ? variables.words.transformList(i, w, w.startsWith(f.split(' ')[0]), (w == f.split(' ')[0] && i + 1 < variables.words.size() ? variables.words[i + 1] : w.substring(f.indexOf(' '))).trim())
          .filter(text, text.contains('=') && text.substring(0, text.indexOf('=')).trim().lowerAscii().replace('_', '-') == fold.substring(fold.indexOf(' ') + 1))
          .map(text, {'given': dyn(true), 'value': dyn({{ include "outrider.injection.unquoted" "text.substring(text.indexOf('=') + 1).trim()" }})})
      : f.size() == 2 && f.startsWith('-') ? variables.words.transformList(i, w, w.startsWith(f), w != f ? {'given': dyn(true), 'value': dyn(w.substring(w.size() > 2 && w.charAt(2) == '=' ? 3 : 2))}
          : i + 1 < variables.words.size() ? {'given': dyn(true), 'value': dyn(variables.words[i + 1])} : {'given': dyn(false), 'value': dyn('')})
      : variables.folded.transformList(i, w, w == fold || w.startsWith(fold + '='), w != fold ? {'given': dyn(true), 'value': dyn({{ include "outrider.injection.unquoted" "variables.words[i].substring(f.size() + 1)" }})}
          : i + 1 < variables.words.size() ? {'given': dyn(true), 'value': dyn(variables.words[i + 1])} : {'given': dyn(false), 'value': dyn('')}))[0]})
{{- /* The last value of each flag. */}}
- name: given
  expression: >-
    variables.flags.transformMapEntry(k, f, variables.hits[f].exists(h, h.given && h.value != ''), {f: string(variables.hits[f].filter(h, h.given && h.value != '').map(h, h.value).reverse()[0])})
- name: secret
  expression: >-
    variables.key + 'secret' in variables.annotations
{{- range $round := list 0 1 }}
{{- $seen := printf "variables.seen%d" $round }}
{{- /* Signs that are seen, and the values of the parameters that depend on them. */}}
- name: seen{{ $round }}
  expression: >-
    {{- if eq $round 0 }}
    variables.signs.filter(s, s.round == '0' && (
      s.kind == 'env' ? s.name in variables.env && (has(variables.env[s.name].valueFrom) ? s.matches == ''
        : [variables.env[s.name].?value.orValue('')].exists(value, {{ include "outrider.injection.says" . }}))
      : s.kind == 'arg' ? variables.hits[?s.name].orValue([]).size() > 0 && [variables.hits[s.name][variables.hits[s.name].size() - 1]].exists(h,
          !h.given || s.matches == '' && h.value.startsWith('-') ? s.matches == '' : [string(h.value)].exists(value, {{ include "outrider.injection.says" . }}))
      : s.kind == 'image' ? variables.image.matches(s.name)
      : s.kind == 'mount' ? variables.server.?volumeMounts.orValue([]).exists(m, [m.mountPath.find('^(?s:.*[^/])?') + '/'].exists(at, at.startsWith(s.name) || s.name.startsWith(at)))
      : s.kind == 'given' ? variables.key + s.name in variables.annotations
      : variables.secret)).map(s, s.id)
    {{- else }}
    variables.seen0 + variables.signs.filter(s, s.round == '{{ $round }}' && {{ include "outrider.injection.seesValue" "variables.values0" }}).map(s, s.id)
    {{- end }}
- name: values{{ $round }}
  expression: >-
    variables.parameters.filter(p, p.round == '{{ $round }}').transformMapEntry(i, p, {p.name: string((
      p.key in variables.annotations ? [variables.annotations[p.key]]
      : (p.part == '' ? p.flags.filter(f, f in variables.given && variables.given[f].matches(p.pattern)).map(f, variables.given[f])
          : p.flags.filter(f, f in variables.given).map(f, p.part == 'host' ? '127.0.0.1' : variables.given[f].find('[0-9]+$')))
        + p.env.filter(n, n in variables.has && variables.env[n].?value.orValue('').matches(p.pattern)).map(n, variables.env[n].value)
        + p.signs.filter(v, {{ include "outrider.injection.holds" $seen }}).map(v, v.value)
        + (!p.fromPorts ? [] : [(p.defaults.filter(v, {{ include "outrider.injection.holds" $seen }}).map(v, v.value) + [p.default])[0]].map(usual,
            ({{ include "outrider.injection.ports" . }} + [''])[0]).filter(port, port != '' && port.matches(p.pattern)))
        + p.defaults.filter(v, {{ include "outrider.injection.holds" $seen }}).map(v, v.value)
        + [p.default])[0])})
{{- end }}
- name: values
  expression: >-
    variables.parameters.transformMapEntry(i, p, {p.name: p.round == '0' ? variables.values0[p.name] : variables.values1[p.name]})
- name: seen
  expression: >-
    variables.seen0 + variables.signs.filter(s, s.round != '0' && {{ include "outrider.injection.seesValue" "variables.values" }}).map(s, s.id)
- name: shown
  expression: >-
    variables.parameters.filter(p, p.flags.exists(f, f in variables.given && (p.part != '' || variables.given[f].matches(p.pattern)))
      || p.env.exists(n, n in variables.has && variables.env[n].?value.orValue('').matches(p.pattern))
      || (p.signs + p.defaults).exists(v, {{ include "outrider.injection.holds" "variables.seen" }})
      || p.fromPorts && [(p.defaults.filter(v, {{ include "outrider.injection.holds" "variables.seen" }}).map(v, v.value) + [p.default])[0]].exists(usual,
        ({{ include "outrider.injection.ports" . }} + [''])[0].matches('^[1-9]') && {{ include "outrider.injection.ports" . }}[0].matches(p.pattern))).map(p, p.name)
- name: endpoint
  expression: >-
    variables.name + '=' + (variables.values[?'scheme'].orValue('') == 'https' ? 'https:' : '') + (variables.values[?'port'].orValue('') != '' ? variables.values['port'] : variables.exporter[3])
      + [variables.values[?'path'].orValue('') != '' ? variables.values['path'] : variables.exporter[4]].map(path, path == '/metrics' ? '' : path)[0]
{{- /* The accounts that the server's signs allow, each with the variable that has its password; the first that is found counts, else
the one whose variables its image reads, where a Secret as a whole becomes variables. */}}
- name: login
  expression: >-
    variables.credentials.exists(c, !c.unless.exists(id, id in variables.seen))
- name: whole
  expression: >-
    variables.server.?envFrom.orValue([]).filter(f, has(f.secretRef) && f.?prefix.orValue('') == '').map(f, string(f.secretRef.?name.orValue('')))
- name: accounts
  expression: >-
    !variables.login ? [] : {{ include "outrider.injection.of" "account" }}.map(r, {
      'seen': {{ include "outrider.injection.list" "r[1]" }}.all(id, id in variables.seen) ? 'yes' : '', 'always': r[1] == '' ? 'yes' : '',
      'user': r[2], 'defaultUser': r[3], 'password': r[4], 'among': r[6], 'images': r[7], 'free': r[4] == '' && r[5] == '' ? 'yes' : '',
      'from': r[4] != '' && r[4] in variables.has ? r[4]
        : ({{ include "outrider.injection.list" "r[5]" }}.filter(f, f in variables.given).map(f, variables.given[f].matches(r'^\$(?:[(][A-Za-z0-9_]+[)]|[{][A-Za-z0-9_]+[}]|[A-Za-z0-9_]+)$')
            ? variables.given[f].find('[A-Za-z0-9_]+') : '?') + [''])[0]})
- name: possible
  expression: >-
    variables.accounts.filter(a, a.seen != '')
- name: found
  expression: >-
    variables.secret ? [] : variables.possible.filter(a, a.free != '' || a.from != '')
- name: supposed
  expression: >-
    variables.secret || variables.found.size() > 0 || variables.whole.size() != 1 ? []
    : [variables.accounts.filter(a, a.password != '' && (a.always != '' || a.images != '' && a.seen != ''))].map(all,
        all.filter(a, a.images != '' && variables.image.matches(a.images)) + all.filter(a, a.images == ''))[0]
- name: account
  expression: >-
    variables.found.size() > 0 ? [variables.found[0]] : variables.supposed.size() > 0 ? [variables.supposed[0]] : []
- name: from
  expression: >-
    variables.account.map(a, a.from != '' ? a.from : variables.found.size() > 0 ? '' : a.password).filter(n, n != '')
- name: users
  expression: >-
    (variables.account.size() > 0 ? variables.account : variables.possible).filter(a, a.user != '' && (a.user in variables.has || variables.account.size() > 0 && variables.whole.size() == 1)).map(a, a.user)
- name: unsure
  expression: >-
    variables.account.exists(a, a.user != '' && a.defaultUser != '' && !(a.user in variables.has) && variables.whole.size() == 1)
- name: user
  expression: >-
    variables.credentials.filter(c, variables.login && c.user != '').map(c,
      variables.account.size() > 0
      ? (variables.users.size() > 0 ? {{ include "outrider.injection.reference" "variables.users[0]" }} : {'value': dyn(variables.account[0].defaultUser)})
      : variables.key + 'user' in variables.annotations ? {'value': dyn(variables.annotations[variables.key + 'user'])}
      : variables.users.size() > 0 ? {{ include "outrider.injection.reference" "variables.users[0]" }}
      : {'value': dyn(variables.secret || c.fallback != '' ? variables.values[?'user'].orValue('') : '')})
    .filter(v, 'valueFrom' in v || v['value'] != '').map(v, 'valueFrom' in v ? {'name': dyn(variables.credentials[0].user), 'valueFrom': v['valueFrom']}
      : {'name': dyn(variables.credentials[0].user), 'value': dyn(string(v['value']).replace('$', '$$'))})
- name: fallback
  expression: >-
    !variables.unsure ? [] : [{'name': dyn(variables.credentials[0].fallback), 'value': dyn(variables.account[0].defaultUser.replace('$', '$$'))}]
- name: password
  expression: >-
    variables.credentials.filter(c, variables.login).map(c,
      variables.secret ? [string(variables.annotations[variables.key + 'secret']).split('/')].map(part,
        {'secretKeyRef': {'name': dyn(part[0]), 'key': dyn(part.size() > 1 ? part[1] : string(c.key)), 'optional': dyn(true)}})
      : variables.from.map(n, {{ include "outrider.injection.reference" "n" }}['valueFrom'])).flatten()
    .map(from, {'name': dyn(variables.credentials[0].password), 'valueFrom': dyn(from)})
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
      ? dyn({'requests': {'cpu': variables.exporter[10], 'memory': variables.exporter[11]}, 'limits': {'cpu': variables.exporter[10], 'memory': variables.exporter[11]}})
    : dyn({'requests': {'cpu': variables.exporter[8], 'memory': variables.exporter[9]}, 'limits': {'cpu': variables.exporter[10], 'memory': variables.exporter[11]}})
- name: texts
  expression: >-
    ({{ include "outrider.injection.of" "text" }} + (variables.exhausted ? {{ include "outrider.injection.of" "essential" }}.map(r, r.slice(1, r.size())) : [])).filter(r, r.slice(2, r.size()).all(part, !part.startsWith('$') || variables.values[part.substring(1)] != '')).map(r, {
      'kind': r[0], 'name': r[1], 'fixed': r.slice(2, r.size()).all(part, part.startsWith('=')) ? 'yes' : '',
      'text': r.slice(2, r.size()).map(part, part.startsWith('=') ? part.substring(1) : part.startsWith('$') ? variables.values[part.substring(1)].replace('$', '$$')
        : variables.values[part.substring(1, part.indexOf('='))].lowerAscii() in ['', 'false', 'no', 'off', '0'] ? '' : part.substring(part.indexOf('=') + 1)).join('')
    }).filter(t, t.fixed != '' || t.text != '').map(t, {'kind': t.kind, 'name': t.name, 'text': t.text.replace('\ue000', '\n').replace('\ue001', '\t')})
- name: container
  expression: >-
    {'name': dyn('outrider-' + variables.name), 'image': dyn(variables.exporter[6]), 'resources': variables.resources,
      'ports': dyn([{'name': dyn('outrider-' + variables.exporter[3]), 'containerPort': dyn(int(variables.exporter[3])), 'protocol': dyn('TCP')}]),
      'command': dyn(variables.texts.filter(t, t.kind == 'command').map(t, t.text)), 'args': dyn(variables.texts.filter(t, t.kind == 'arg').map(t, t.text)),
      'env': dyn(variables.fallback + variables.user + variables.password + variables.texts.filter(t, t.kind == 'env').map(t, {'name': dyn(t.name), 'value': dyn(t.text)})),
      'volumeMounts': dyn(variables.cover ? [{'name': dyn('outrider-no-token'), 'mountPath': dyn('/var/run/secrets/kubernetes.io/serviceaccount'), 'readOnly': dyn(true)}] : []),
      'terminationMessagePolicy': dyn('FallbackToLogsOnError'),
      'securityContext': dyn({'allowPrivilegeEscalation': dyn(false), 'capabilities': dyn({'drop': ['ALL']}), 'readOnlyRootFilesystem': dyn(true), 'runAsNonRoot': dyn(true),
        'seccompProfile': dyn({'type': 'RuntimeDefault'})})}
- name: pulls
  expression: >-
    variables.name == '' || variables.discovered ? [] : {{ include "outrider.injection.lines" "variables.known['pullSecrets']" }}.filter(name, !object.spec.?imagePullSecrets.orValue([]).exists(s, s.?name.orValue('') == name))
- name: scrape
  expression: >-
    'outrider.dev/scrape' in variables.annotations ? ',{"key":"outrider.dev/scrape","outcome":"discovered","reason":"Annotated"}' : ''
- name: status
  expression: >-
    '{"decisions":[' + (variables.name == '' ? '' : '{"exporter":"' + variables.name + '","outcome":"' + (variables.discovered ? 'discovered' : 'injected') + '","reason":"' + variables.reason
      + '","definition":"' + variables.exporter[2] + '"' + (variables.discovered ? ',"endpoint":"' + variables.endpoint + '"' : '')
      + (variables.exhausted ? ',"profile":"essential"' : '') + '}') + (variables.name == '' ? variables.scrape.substring(1) : variables.scrape) + ']'
      + (variables.pulls.size() == 0 ? '' : ',"pullSecrets":["' + variables.pulls.join('","') + '"]') + '}'
{{- /* Why the pod is left to the webhook; empty where it is not. */}}
- name: left
  expression: >-
    {{- include "outrider.injection.left" . | nindent 4 }}
{{- end -}}

{{/* The records of a kind, in the order of sidecars.Catalog.Injection. */}}
{{- define "outrider.injection.of" -}}
{{- $at := dict "exporter" 0 "parameter" 1 "value" 2 "sign" 3 "obstacle" 4 "credentials" 5 "account" 6 "text" 7 "socket" 8 "reads" 9 "flags" 10 "unset" 11 "essential" 12 -}}
variables.records[?{{ get $at . }}].orValue([])
{{- end -}}

{{/* The items of a field, or the lines of a value. */}}
{{- define "outrider.injection.list" -}}
({{ . }} == '' ? [] : {{ . }}.split(','))
{{- end -}}
{{- define "outrider.injection.lines" -}}
({{ . }} == '' ? [] : {{ . }}.split('\n'))
{{- end -}}

{{/* A condition from the fields with its signs, and the value under it, if there is one. */}}
{{- define "outrider.injection.condition" -}}
{{- $fields := splitList " " . -}}
{'value': dyn(v.size() > 3 ? v[3] : ''), 'when': dyn({{ include "outrider.injection.list" (first $fields) }}), 'unless': dyn({{ include "outrider.injection.list" (last $fields) }})}
{{- end -}}

{{/* Whether a condition v holds by the signs that are seen. */}}
{{- define "outrider.injection.holds" -}}
v.when.all(id, id in {{ . }}) && !v.unless.exists(id, id in {{ . }})
{{- end -}}

{{/* What a sign s says of a value. */}}
{{- define "outrider.injection.says" -}}
(s.matches != '' ? value.matches(s.matches) : !(value.lowerAscii() in ['', 'false', 'no', 'off', '0']))
{{- end -}}

{{/* A sign about a parameter, or about the port that one stands for, by the values so far. */}}
{{- define "outrider.injection.seesValue" -}}
(s.kind == 'parameter' ? [{{ . }}[s.name]].exists(value, {{ include "outrider.injection.says" . }})
      : (variables.server.?ports.orValue([]).filter(p, string(p.containerPort) == {{ . }}[?'port'].orValue('')).map(p, string(p.?name.orValue(''))) + [''])[0].matches(s.name))
{{- end -}}

{{/* The ports that the server may listen on, the likeliest first: p is the parameter, and usual its default. */}}
{{- define "outrider.injection.ports" -}}
((!variables.discovered ? [] : ['metrics', 'http-metrics', 'https-metrics', 'tcp-metrics', 'prometheus', 'prom', 'http-prom', 'http-prometheus', 'monitoring', 'prometheus-tls', 'metrics-tls']
      .map(n, variables.tcp.filter(q, q.name == n)).flatten()) + variables.tcp.filter(q, q.port == usual && !(q.name in p.portNames)) + p.portNames.map(n, variables.tcp.filter(q, q.name == n)).flatten()
      + (variables.discovered || !p.usual ? [] : [variables.tcp.filter(q, q.of)].map(usual, usual.size() == 1 ? usual : [])[0])
      + (variables.discovered ? [] : [{{ include "outrider.injection.candidates" . }}].map(candidates, candidates.size() == 1 ? candidates : [])[0])).map(q, q.port)
{{- end -}}

{{/* The ports that nothing says are for something else. */}}
{{- define "outrider.injection.candidates" -}}
variables.tcp.filter(q, (p.usual || !q.of) && !q.other && (q.name in p.portNames || !(q.name in {{ include "outrider.injection.lines" "variables.known['otherPorts']" }})))
{{- end -}}

{{/* A text without the quotes around it. */}}
{{- define "outrider.injection.unquoted" -}}
{{ . }}.find(r"""(?s:[^"'](?:.*[^"'])?)""")
{{- end -}}

{{/* A variable of the server as the exporter's: by reference, optional so that nothing keeps the pod from starting. */}}
{{- define "outrider.injection.reference" -}}
(!({{ . }} in variables.env) ? {'valueFrom': dyn({'secretKeyRef': {'name': dyn(variables.whole[0]), 'key': dyn({{ . }}), 'optional': dyn(true)}})}
        : !has(variables.env[{{ . }}].valueFrom) ? {'value': dyn(variables.env[{{ . }}].value)}
        : [has(variables.env[{{ . }}].valueFrom.secretKeyRef) ? 'secretKeyRef' : 'configMapKeyRef'].map(kind, [kind == 'secretKeyRef' ? variables.env[{{ . }}].valueFrom.secretKeyRef : variables.env[{{ . }}].valueFrom.configMapKeyRef].map(ref,
            {'valueFrom': dyn({kind: {'name': dyn(ref.?name.orValue('')), 'key': dyn(ref.key), 'optional': dyn(true)}})})[0])[0])
{{- end -}}
