{{/*
The steps from a pod that asks for one exporter to what is added to it. The data is the controller's, in the parameter
object; sidecars.Catalog.Injection describes its keys. What is not decided exactly as the webhook does has a reason in the
variable left, and goes to the webhook as it is. An error leaves the pod to the webhook, too. From Kubernetes 1.36.
*/}}
{{- define "outrider.injection.variables" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
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
{{- /* Which exporter. Where the pod names one, a container is looked at that has one of the words or ports without which none serves
its workload, or whose words may be parts of others. */}}
- name: asked
  expression: >-
    'outrider.dev/inject' in variables.annotations ? string(variables.annotations['outrider.dev/inject']) : {{ if .optedIn }}'auto'{{ else }}''{{ end }}
- name: hints
  expression: >-
    variables.known[?'words.' + variables.asked].orValue('').split('\n').filter(word, word != '')
{{- include "outrider.recognition.variables" (dict "containers" 100 "elements" 2000 "bytes" 8192 "looked" `variables.large ? [] : variables.asked == 'auto' ? variables.running : variables.running.filter(c,
      has(c.image) && variables.hints.exists(hint, c.image.contains(hint))
      || has(c.ports) && c.ports.exists(p, variables.asked in variables.known[?'port.' + string(p.containerPort)].orValue('').split('\n'))
      || [(has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])].exists(line, line.exists(word, variables.hints.exists(hint, word.contains(hint)) || word.matches(r"""[\s"'\\]"""))))`) }}
- name: oversize
  expression: >-
    variables.annotations.size() > 1000 || object.metadata.?ownerReferences.orValue([]).size() > 100
    || object.spec.?volumes.orValue([]).size() > 1000 || object.spec.?imagePullSecrets.orValue([]).size() > 100
    || object.spec.?affinity.?nodeAffinity.?requiredDuringSchedulingIgnoredDuringExecution.?nodeSelectorTerms.orValue([]).size() > 100
    || variables.annotations.map(key, key.size() + variables.annotations[key].size()).sum() > 65536
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
{{- /* Its definition: the records of each kind, which are lists of fields. A controller of another version has fewer kinds. */}}
- name: records
  expression: >-
    (string(variables.known[?'definition.' + variables.name].orValue('left\tunknown')) + '\n\n\n\n').split('\n\n')
- name: exporter
  expression: >-
    variables.records[0].split('\t')
{{- range $kind, $variable := dict "parameter" "parameters" "value" "bound" "ifEnv" "byEnv" "ifArg" "byArg" "ifPod" "byPod" "ifValue" "byValue" "obstacle" "obstacles" "credentials" "credentials" "account" "accounts" "socket" "sockets" "flags" "flagged" "silent" "quiet" "usual" "usual" }}
- name: {{ $variable }}
  expression: >-
    {{ include "outrider.injection.of" $kind }}
{{- end }}
- name: reads
  expression: >-
    ',' + {{ include "outrider.injection.of" "reads" }}.map(r, r[1]).join(',') + ','
{{- range $kind := list "unset" "logins" }}
- name: {{ $kind }}
  expression: >-
    {{ include "outrider.injection.of" $kind }}.map(r, {{ include "outrider.injection.list" "r[1]" }}).flatten()
{{- end }}
- name: discovered
  expression: >-
    {{ $at.exporter.type }} == 'native'
{{- /* Whether the namespace has used up its budget of series: everything has the profile essential. */}}
- name: exhausted
  expression: >-
    namespaceObject.metadata.name in variables.known[?'exhausted'].orValue('').split('\n')
{{- /* What the pod says of the exporter's parameters. */}}
- name: set
  expression: >-
    variables.annotations.transformMapEntry(key, value, key.startsWith(variables.key), {key.substring(variables.key.size()): string(value)})
{{- /* The container that the exporter is for: the only one, or the only one that serves its workload. */}}
- name: servers
  expression: >-
    variables.key + 'container' in variables.annotations ? variables.running.filter(c, c.name == variables.annotations[variables.key + 'container'])
    : variables.running.size() == 1 ? variables.running
    : variables.looked.transformList(i, c, variables.name in string(variables.served[i]).split('\n'), c)
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
      'says': dyn([p.?name.orValue('')].map(name, '-' + name.substring(0, name.size() - name.find({{ include "outrider.vocabulary.portTails" . }}).size()))[0]),
      'of': dyn('port.' + string(p.containerPort) in variables.known && variables.name in string(variables.known['port.' + string(p.containerPort)]).split('\n')),
      'other': dyn('notPorts.' + variables.name in variables.known && string(p.containerPort) in string(variables.known['notPorts.' + variables.name]).split('\n'))})
{{- /* Its command line, a shell's script taken apart: one of words, with quotes around whole words only, and of one program that is known.
Others are left where they may have one of the flags, and so are several words in one. */}}
- name: line
  expression: >-
    (variables.server.?command.orValue([]) + variables.server.?args.orValue([])).map(word, string(word))
- name: script
  expression: >-
    variables.line.size() > 2 && variables.line[0].matches({{ include "outrider.vocabulary.shell" . }}) && variables.line[1].matches('^-[a-z]*c$') && !(variables.line[2] in [variables.line[0], variables.line[1]])
    && variables.line[2].matches(r"""^(?:[ \t\r\n;|&]*(?:"(?:[^"\\`$]|[$][A-Za-z0-9_]|[$][({][^"\\`$(){}]*[)}])*"|(?:[^ \t\r\n;|&"'\\`#$]|[$][A-Za-z0-9_])+)(?:[ \t\r\n;|&]+|$))*$""")
    && variables.line[2].findAll(r"""[^ \t\r\n;|&"]+""").filter(word, 'program.' + word.substring(word.lastIndexOf('/') + 1) in variables.known).size() < 2
- name: taken
  expression: >-
    variables.script || !variables.line.exists(word, word.matches({{ include "outrider.vocabulary.shell" . }}) || word.startsWith('-') && word.matches('[ \t\n]') || word.contains(' --'))
- name: mentioned
  expression: >-
    variables.line.size() > 0 && variables.flagged.exists(r, r[1] != '' && variables.line.join(' ').replace('"', '').replace("'", '').replace('\\\n', '').replace('\\', '').matches(r[1]))
- name: words
  expression: >-
    !variables.taken || !variables.mentioned ? []
    : variables.script ? variables.line[2].findAll(r"""(?:"[^"]*"|[^ \t\r\n;|&"]+)""").map(word, word.replace('"', ''))
      + (variables.line[2].matches({{ include "outrider.vocabulary.positional" . }}) ? variables.line.slice(3, variables.line.size()) : [])
    : variables.line
- name: flags
  expression: >-
    variables.words.size() == 0 ? [] : (variables.parameters.map(p, {{ include "outrider.injection.list" $at.p.flags }}).flatten()
      + variables.byArg.map(r, r[2])
      + variables.accounts.map(a, {{ include "outrider.injection.list" $at.a.flags }}).flatten()
      + variables.sockets.map(r, r[1])).distinct()
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
    'secret' in variables.set
- name: seenPod
  expression: >-
    variables.byPod.filter(s, {{ $at.s.kind }} == 'image' ? variables.image.contains({{ $at.s.word }}) && variables.image.matches({{ $at.s.name }})
      : {{ $at.s.kind }} == 'mount' ? variables.server.?volumeMounts.orValue([]).exists(m, [m.mountPath.find('^(?s:.*[^/])?') + '/'].exists(at, at.startsWith({{ $at.s.name }}) || {{ $at.s.name }}.startsWith(at)))
      : {{ $at.s.kind }} == 'given' ? {{ $at.s.name }} in variables.set
      : variables.secret).map(s, {{ $at.s.id }})
{{- /* Whether the pod says nothing that the definition reads, so that its container is the usual one. */}}
- name: agents
  expression: >-
    variables.annotations.exists(key, key.startsWith('vault.') || key.startsWith('secrets-injector.') || key.startsWith('operator.1password') || key.startsWith('akeyless/') || key.startsWith('conjur.'))
- name: silent
  expression: >-
    variables.set.size() == 0 && variables.quiet.exists(q, !has(variables.server.envFrom)
      && (!has(variables.server.ports) || {{ $at.q.port }} == '' || variables.server.ports.exists(p, string(p.containerPort) == {{ $at.q.port }} && p.?protocol.orValue('TCP') == 'TCP')
        && variables.server.ports.all(p, string(p.containerPort) == {{ $at.q.port }} || !has(p.name) || !(p.name in {{ $at.q.portNames }}.split(','))))
      && (!has(variables.server.env) || variables.server.env.all(v, !variables.reads.contains(',' + v.name + ',') && ({{ $at.q.login }} == '' || !has(v.valueFrom) || !has(v.valueFrom.secretKeyRef))))
      && ({{ $at.q.login }} == '' || !variables.agents)) && variables.seenPod.size() == 0 && !variables.mentioned
{{- range $round := list 0 1 }}
{{- $held := printf "variables.held%d" $round }}
{{- /* Signs that are seen, the values that they call for, and those of the parameters that depend on no others. */}}
- name: seen{{ $round }}
  expression: >-
    {{- if eq $round 0 }}
    (variables.env.size() == 0 ? [] : variables.byEnv.filter(s, {{ $at.e.name }} in variables.env && (has(variables.env[{{ $at.e.name }}].valueFrom) ? {{ $at.e.matches }} == ''
        : [variables.env[{{ $at.e.name }}].?value.orValue('')].exists(value, {{ include "outrider.injection.says" $at.e.matches }}))).map(s, {{ $at.e.id }}))
      + (variables.words.size() == 0 ? [] : variables.byArg.filter(s, variables.hits[{{ $at.e.name }}].size() > 0 && [variables.hits[{{ $at.e.name }}][variables.hits[{{ $at.e.name }}].size() - 1]].exists(h,
          !h.given || {{ $at.e.matches }} == '' && h.value.startsWith('-') ? {{ $at.e.matches }} == '' : [string(h.value)].exists(value, {{ include "outrider.injection.says" $at.e.matches }}))).map(s, {{ $at.e.id }}))
      + variables.seenPod
    {{- else }}
    variables.seen0 + variables.byValue.filter(s, {{ $at.l.round }} == '{{ $round }}' && {{ include "outrider.injection.seesValue" "variables.values0" }}).map(s, {{ $at.l.id }})
    {{- end }}
- name: held{{ $round }}
  expression: >-
    variables.bound.filter(v, {{ include "outrider.injection.holds" (list $at.v "variables.seen" $round) }})
- name: values{{ $round }}
  expression: >-
    variables.parameters.filter(p, {{ $at.p.round }} == '{{ $round }}').transformMapEntry(i, p, { {{- $at.p.name }}: {{ $at.p.name }} in variables.set ? variables.set[{{ $at.p.name }}] : {{ $at.p.read }} == '' ? {{ $at.p.default }}
      : {{ include "outrider.injection.given" . }}[?0]
        .or({{ include "outrider.injection.variable" . }}.map(n, string(variables.env[n].value))[?0])
        .or({{ $held }}.filter(v, {{ $at.v.parameter }} == {{ $at.p.name }} && {{ $at.v.kind }} == 'sign').map(v, {{ $at.v.value }})[?0])
        .or(({{ $at.p.fromPorts }} == '' || variables.tcp.size() == 0 ? [] : [{{ include "outrider.injection.usual" $held }}].map(usual, {{ include "outrider.injection.ports" . }}[?0].orValue('')).filter(port, port != '' && port.matches({{ $at.p.pattern }})))[?0])
        .orValue({{ include "outrider.injection.usual" $held }})})
{{- end }}
- name: values
  expression: >-
    variables.parameters.all(p, {{ $at.p.round }} == '0') ? variables.values0
    : variables.parameters.transformMapEntry(i, p, { {{- $at.p.name }}: {{ $at.p.round }} == '0' ? variables.values0[{{ $at.p.name }}] : variables.values1[{{ $at.p.name }}]})
- name: seen
  expression: >-
    variables.seen0 + variables.byValue.filter(s, {{ include "outrider.injection.seesValue" "variables.values" }}).map(s, {{ $at.l.id }})
- name: held
  expression: >-
    variables.bound.filter(v, {{ include "outrider.injection.holds" (list $at.v "variables.seen" "") }})
- name: shown
  expression: >-
    variables.parameters.filter(p, {{ include "outrider.injection.given" . }}.size() > 0 || {{ include "outrider.injection.variable" . }}.size() > 0
      || variables.held.exists(v, {{ $at.v.parameter }} == {{ $at.p.name }})
      || {{ $at.p.fromPorts }} != '' && [{{ include "outrider.injection.usual" "variables.held" }}].exists(usual,
        {{ include "outrider.injection.ports" . }}[?0].orValue('').matches('^[1-9]') && {{ include "outrider.injection.ports" . }}[0].matches({{ $at.p.pattern }}))).map(p, {{ $at.p.name }})
- name: endpoint
  expression: >-
    variables.name + '=' + (variables.values[?'scheme'].orValue('') == 'https' ? 'https:' : '') + (variables.values[?'port'].orValue('') != '' ? variables.values['port'] : {{ $at.exporter.port }})
      + [variables.values[?'path'].orValue('') != '' ? variables.values['path'] : {{ $at.exporter.path }}].map(path, path == '/metrics' ? '' : path)[0]
{{- /* The accounts that the server's signs allow, each with the variable that has its password; the first that is found counts, else
the one whose variables its image reads, where a Secret as a whole becomes variables. */}}
- name: login
  expression: >-
    variables.credentials.exists(c, {{ $at.c.unless }} == '' || !{{ $at.c.unless }}.split(',').exists(id, id in variables.seen))
- name: whole
  expression: >-
    variables.server.?envFrom.orValue([]).filter(f, has(f.secretRef) && f.?prefix.orValue('') == '').map(f, string(f.secretRef.?name.orValue('')))
- name: found
  expression: >-
    !variables.login || variables.secret ? [] : variables.has.size() + variables.given.size() == 0
    ? variables.accounts.filter(a, {{ $at.a.password }} == '' && {{ $at.a.flags }} == '' && {{ include "outrider.injection.allowed" . }})
    : variables.accounts.filter(a, ({{ $at.a.password }} == '' && {{ $at.a.flags }} == '' || {{ include "outrider.injection.from" . }} != '') && {{ include "outrider.injection.allowed" . }})
- name: supposed
  expression: >-
    !variables.login || variables.secret || variables.found.size() > 0 || variables.whole.size() != 1 ? []
    : [variables.accounts.filter(a, {{ $at.a.password }} != '' && ({{ $at.a.when }} == '' || {{ $at.a.images }} != '' && {{ include "outrider.injection.allowed" . }}))].map(all,
        all.filter(a, {{ $at.a.images }} != '' && variables.image.matches({{ $at.a.images }})) + all.filter(a, {{ $at.a.images }} == ''))[0]
- name: account
  expression: >-
    variables.found.size() > 0 ? [variables.found[0]] : variables.supposed.size() > 0 ? [variables.supposed[0]] : []
- name: from
  expression: >-
    variables.account.map(a, [{{ include "outrider.injection.from" . }}].map(from, from != '' ? from : variables.found.size() > 0 ? '' : {{ $at.a.password }})[0]).filter(n, n != '')
- name: users
  expression: >-
    variables.account.size() > 0 ? variables.account.filter(a, {{ $at.a.user }} != '' && ({{ $at.a.user }} in variables.has || variables.whole.size() == 1)).map(a, {{ $at.a.user }})
    : !variables.login || variables.has.size() == 0 ? []
    : variables.accounts.filter(a, {{ $at.a.user }} != '' && {{ $at.a.user }} in variables.has && {{ include "outrider.injection.allowed" . }}).map(a, {{ $at.a.user }})
- name: unsure
  expression: >-
    variables.account.exists(a, {{ $at.a.user }} != '' && {{ $at.a.defaultUser }} != '' && !({{ $at.a.user }} in variables.has) && variables.whole.size() == 1)
- name: user
  expression: >-
    variables.credentials.filter(c, variables.login && {{ $at.c.user }} != '').map(c, [
      variables.account.size() > 0
      ? (variables.users.size() > 0 ? {{ include "outrider.injection.reference" "variables.users[0]" }} : {'value': dyn(variables.account.map(a, {{ $at.a.defaultUser }})[0])})
      : 'user' in variables.set ? {'value': dyn(variables.set['user'])}
      : variables.users.size() > 0 ? {{ include "outrider.injection.reference" "variables.users[0]" }}
      : {'value': dyn(variables.secret || {{ $at.c.fallback }} != '' ? variables.values[?'user'].orValue('') : '')}]
    .filter(v, 'valueFrom' in v || v['value'] != '').map(v, 'valueFrom' in v ? {'name': dyn({{ $at.c.user }}), 'valueFrom': v['valueFrom']}
      : {'name': dyn({{ $at.c.user }}), 'value': dyn(string(v['value']).replace('$', '$$'))})).flatten()
- name: fallback
  expression: >-
    !variables.unsure ? [] : variables.credentials.map(c, {'name': dyn({{ $at.c.fallback }}), 'value': dyn(variables.account.map(a, {{ $at.a.defaultUser }})[0].replace('$', '$$'))})
- name: password
  expression: >-
    variables.credentials.filter(c, variables.login).map(c,
      (variables.secret ? [variables.set['secret'].split('/')].map(part,
        {'secretKeyRef': {'name': dyn(part[0]), 'key': dyn(part.size() > 1 ? part[1] : {{ $at.c.key }}), 'optional': dyn(true)}})
      : variables.from.map(n, {{ include "outrider.injection.reference" "n" }}['valueFrom'])).map(from, {'name': dyn({{ $at.c.password }}), 'valueFrom': dyn(from)})).flatten()
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
    variables.usual + (variables.exhausted ? {{ include "outrider.injection.of" "essential" }} : [])
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
{{- /* Why the pod is left to the webhook; empty where it is not. */}}
- name: left
  expression: >-
    {{- include "outrider.injection.left" . | nindent 4 }}
{{- end -}}

{{/* The records of a kind, in the order of sidecars.Catalog.Injection. */}}
{{- define "outrider.injection.of" -}}
{{- $kinds := list "exporter" "parameter" "value" "ifEnv" "ifArg" "ifPod" "ifValue" "obstacle" "credentials" "account" "logins" "command" "arg" "env" "socket" "reads" "flags" "unset" "essential" "silent" "usual" -}}
{{- $at := dict -}}
{{- range $i, $kind := $kinds }}{{ $_ := set $at $kind $i }}{{ end -}}
(variables.records[{{ get $at . }}] == '' ? [] : variables.records[{{ get $at . }}].split('\n').map(line, line.split('\t')))
{{- end -}}

{{/* The fields of the records, by the letter that stands for one in the expressions. */}}
{{- define "outrider.injection.fields" -}}
exporter: {type: "variables.exporter[1]", definition: "variables.exporter[2]", port: "variables.exporter[3]", path: "variables.exporter[4]", once: "variables.exporter[5]", image: "variables.exporter[6]",
  user: "variables.exporter[7]", cpu: "variables.exporter[8]", memory: "variables.exporter[9]", cpuLimit: "variables.exporter[10]", memoryLimit: "variables.exporter[11]", samples: "variables.exporter[12]"}
p: {name: "p[1]", round: "p[2]", default: "p[3]", pattern: "p[4]", flags: "p[5]", part: "p[6]", env: "p[7]", fromPorts: "p[8]", portNames: "p[9]", required: "p[10]", usual: "p[11]", read: "p[12]"}
v: {parameter: "v[1]", kind: "v[2]", value: "v[3]", when: "v[4]", unless: "v[5]"}
e: {id: "s[1]", name: "s[2]", matches: "s[3]"}
s: {id: "s[1]", kind: "s[2]", name: "s[3]", word: "s[4]"}
l: {id: "s[1]", round: "s[2]", kind: "s[3]", name: "s[4]", matches: "s[5]"}
o: {when: "o[1]", unless: "o[2]", account: "o[3]"}
c: {user: "c[1]", fallback: "c[2]", password: "c[3]", key: "c[4]", required: "c[5]", unless: "c[6]"}
q: {port: "q[1]", portNames: "q[2]", login: "q[3]"}
a: {when: "a[1]", user: "a[2]", defaultUser: "a[3]", password: "a[4]", flags: "a[5]", among: "a[6]", images: "a[7]"}
{{- end -}}

{{/* The items of a field, or the lines of a value. */}}
{{- define "outrider.injection.list" -}}
({{ . }} == '' ? [] : {{ . }}.split(','))
{{- end -}}
{{- define "outrider.injection.lines" -}}
({{ . }} == '' ? [] : {{ . }}.split('\n'))
{{- end -}}

{{/* Whether what has the fields when and unless holds by the signs that are seen: a list of its fields, the variable and its round. */}}
{{- define "outrider.injection.holds" -}}
{{- $fields := index . 0 -}}
{{- $seen := printf "%s%v" (index . 1) (index . 2) -}}
({{ $fields.when }} == '' || {{ $fields.when }}.split(',').all(id, id in {{ $seen }})) && ({{ $fields.unless }} == '' || !{{ $fields.unless }}.split(',').exists(id, id in {{ $seen }}))
{{- end -}}

{{/* The values of a parameter p: by its flags, and the names of its variables, where they are good ones; what is usual by the values that hold. */}}
{{- define "outrider.injection.given" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
(variables.given.size() == 0 ? [] : {{ $at.p.part }} == '' ? {{ $at.p.flags }}.split(',').filter(f, f in variables.given && variables.given[f].matches({{ $at.p.pattern }})).map(f, variables.given[f])
        : {{ $at.p.flags }}.split(',').filter(f, f in variables.given).map(f, {{ $at.p.part }} == 'host' ? '127.0.0.1' : variables.given[f].find('[0-9]+$')))
{{- end -}}
{{- define "outrider.injection.variable" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
(variables.has.size() == 0 ? [] : {{ $at.p.env }}.split(',').filter(n, n in variables.has && variables.env[n].?value.orValue('').matches({{ $at.p.pattern }})))
{{- end -}}
{{- define "outrider.injection.usual" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
{{ . }}.filter(v, {{ $at.v.parameter }} == {{ $at.p.name }} && {{ $at.v.kind }} == 'default').map(v, {{ $at.v.value }})[?0].orValue({{ $at.p.default }})
{{- end -}}

{{/* Whether the signs allow an account a, and the variable with its password: its own, or the one that a flag names; ? where that is none. */}}
{{- define "outrider.injection.allowed" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
({{ $at.a.when }} == '' || {{ $at.a.when }}.split(',').all(id, id in variables.seen))
{{- end -}}
{{- define "outrider.injection.from" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
({{ $at.a.password }} != '' && {{ $at.a.password }} in variables.has ? {{ $at.a.password }} : variables.given.size() == 0 || {{ $at.a.flags }} == '' ? ''
      : {{ $at.a.flags }}.split(',').filter(f, f in variables.given).map(f, variables.given[f].matches(r'^\$(?:[(][A-Za-z0-9_]+[)]|[{][A-Za-z0-9_]+[}]|[A-Za-z0-9_]+)$')
          ? variables.given[f].find('[A-Za-z0-9_]+') : '?')[?0].orValue(''))
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

{{/* What a sign that matches the given field says of a value. */}}
{{- define "outrider.injection.says" -}}
({{ . }} != '' ? value.matches({{ . }}) : !(value.lowerAscii() in ['', 'false', 'no', 'off', '0']))
{{- end -}}

{{/* A sign about a parameter, or about the port that one stands for, by the values so far. */}}
{{- define "outrider.injection.seesValue" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
({{ $at.l.kind }} == 'parameter' ? [{{ . }}[{{ $at.l.name }}]].exists(value, {{ include "outrider.injection.says" $at.l.matches }})
      : (variables.server.?ports.orValue([]).filter(p, string(p.containerPort) == {{ . }}[?'port'].orValue('')).map(p, string(p.?name.orValue(''))) + [''])[0].matches({{ $at.l.name }}))
{{- end -}}

{{/* The ports that the server may listen on, the likeliest first: p is the parameter, and usual its default. */}}
{{- define "outrider.injection.ports" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
(variables.tcp.size() == 0 ? [] : ((!variables.discovered ? [] : {{ include "outrider.injection.portsNamed" (include "outrider.vocabulary.metricsPorts" .) }})
      + variables.tcp.filter(q, q.port == usual && !(q.name != '' && q.name in {{ $at.p.portNames }}.split(',')))
      + {{ include "outrider.injection.portsNamed" (include "outrider.injection.list" $at.p.portNames) }}
      + (variables.discovered || {{ $at.p.usual }} == '' ? [] : [variables.tcp.filter(q, q.of)].map(usual, usual.size() == 1 ? usual : [])[0])
      + (variables.discovered ? [] : [{{ include "outrider.injection.candidates" . }}].map(candidates, candidates.size() == 1 ? candidates : [])[0])).map(q, q.port))
{{- end -}}

{{/* The ports that have each of the names, or else say it: nginx-http-port says http. */}}
{{- define "outrider.injection.portsNamed" -}}
{{ . }}.map(n, variables.tcp.filter(q, q.name == n) + variables.tcp.filter(q, q.says.endsWith('-' + n))).flatten()
{{- end -}}

{{/* The ports that nothing says are for something else. */}}
{{- define "outrider.injection.candidates" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
variables.tcp.filter(q, ({{ $at.p.usual }} != '' || !q.of) && !q.other && ({{ include "outrider.injection.list" $at.p.portNames }}.exists(n, q.name == n || q.says.endsWith('-' + n))
      || !{{ include "outrider.vocabulary.otherPorts" . }}.exists(n, q.says.endsWith('-' + n))))
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
