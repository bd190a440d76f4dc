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
    [variables.known[?'words.' + variables.asked].orValue('')].map(words, {{ include "outrider.injection.lines" "words" }})[0]
{{- include "outrider.recognition.variables" (dict "containers" 100 "elements" 2000 "bytes" 8192 "looked" `variables.large ? [] : variables.asked == 'auto' ? variables.running : variables.running.filter(c,
      has(c.image) && variables.hints.exists(hint, c.image.contains(hint))
      || has(c.ports) && c.ports.exists(p, variables.asked in variables.known[?'port.' + string(p.containerPort)].orValue('').split('\n'))
      || [((has(c.command) ? c.command : []) + (has(c.args) ? c.args : [])).join(',')].exists(line, line.matches(r"""[\s"'\\]""") || variables.hints.exists(hint, line.contains(hint))))`) }}
- name: oversize
  expression: >-
    variables.annotations.size() > 1000 || has(object.metadata.ownerReferences) && object.metadata.ownerReferences.size() > 100
    || has(object.spec.volumes) && object.spec.volumes.size() > 1000 || has(object.spec.imagePullSecrets) && object.spec.imagePullSecrets.size() > 100
    || has(object.spec.affinity) && object.spec.affinity.?nodeAffinity.?requiredDuringSchedulingIgnoredDuringExecution.?nodeSelectorTerms.orValue([]).size() > 100
    || variables.annotations.transformList(key, value, key.size() + value.size()).sum() > 65536
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
{{- range $kind, $variable := dict "parameter" "parameters" "value" "bound" "ifArg" "byArg" "ifValue" "byValue" "obstacle" "obstacles" "credentials" "credentials" "account" "accounts" "socket" "sockets" "flags" "flagged" }}
- name: {{ $variable }}
  expression: >-
    {{ include "outrider.injection.of" $kind }}
{{- end }}
- name: reads
  expression: >-
    ',' + {{ include "outrider.injection.of" "reads" }}.map(r, r[1]).join(',') + ','
- name: discovered
  expression: >-
    {{ $at.exporter.type }} == 'native'
{{- /* Whether the namespace has used up its budget of series: everything has the profile essential. */}}
- name: exhausted
  expression: >-
    namespaceObject.metadata.name in {{ include "outrider.injection.known" "exhausted" }}
{{- /* What the pod says of the exporter's parameters. */}}
- name: set
  expression: >-
    variables.annotations.transformMapEntry(key, value, key.startsWith(variables.key), {key.substring(variables.key.size()): string(value)})
{{- /* Whether all containers that are looked at serve the exporter that the pod names, as far as their images say, and nothing that
counts against an image is there: an unusual tag, a program, words or variables of other servers, and ports of which none is usual. */}}
- name: evident
  expression: >-
    variables.asked != 'auto' && variables.looked.all(c, !has(c.command)
      && (!has(c.args) || c.args[0].startsWith('-') && [variables.known[?'notArgs.' + variables.asked].orValue('').split('\n')].all(words, !c.args.exists(word, word in words)))
      && (!has(c.env) || [variables.known[?'notEnv.' + variables.asked].orValue('')].all(names, names == '' || !c.env.exists(v, names.contains(v.name + '='))))
      && (!has(c.ports) || c.ports.exists(p, variables.asked in variables.known[?'port.' + string(p.containerPort)].orValue('').split('\n')))
      && has(c.image) && [c.image.find('[^/]*$')].all(image, image.matches('^[a-z]+(?::[0-9.]+)?$')
        && variables.known[?'image.' + image.split(':')[0]].orValue('') == variables.asked))
{{- /* The container that the exporter is for: the only one, or the only one that serves its workload. */}}
- name: servers
  expression: >-
    variables.key + 'container' in variables.annotations ? variables.running.filter(c, c.name == variables.annotations[variables.key + 'container'])
    : variables.running.size() == 1 ? variables.running
    : variables.evident ? variables.looked
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
    variables.server.?env.orValue([]).map(v, has(v.valueFrom) || has(v.value), string(v.name))
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
    variables.line.size() > 2 && variables.line[0].matches({{ include "outrider.vocabulary.shell" . }}) && variables.line[1].matches('^-[a-z]*c$') && !variables.line[2].startsWith('-') && !(variables.line[2] in [variables.line[0], variables.line[1]]) && !variables.line[2].matches('(?:^|[^A-Za-z0-9_])eval(?:[^A-Za-z0-9_]|$)')
    && variables.line[2].matches(r"""^(?:[ \t\r\n;|&]*(?:"(?:[^"\\`$]|[$][A-Za-z0-9_]|[$][({][^"\\`$(){}]*[)}])*"|(?:[^ \t\r\n;|&"'\\`#$]|[$][A-Za-z0-9_])+)(?:[ \t\r\n;|&]+|$))*$""")
    && [variables.line[2].findAll(r"""[^ \t\r\n;|&"]+""")].exists(words, words.filter(word, 'program.' + word.substring(word.lastIndexOf('/') + 1) in variables.known).size() < 2
      && !words.exists(word, word.matches('[<>]') || word != 'set' && word.substring(word.lastIndexOf('/') + 1) in {{ include "outrider.vocabulary.idle" . }}))
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
    {{ include "outrider.injection.of" "ifPod" }}.filter(s, {{ $at.s.kind }} == 'image' ? variables.image.contains({{ $at.s.word }}) && variables.image.matches({{ $at.s.name }})
      : {{ $at.s.kind }} == 'mount' ? variables.server.?volumeMounts.orValue([]).exists(m, [m.mountPath.find('^(?s:.*[^/])?') + '/'].exists(at, at.startsWith({{ $at.s.name }}) || {{ $at.s.name }}.startsWith(at)))
      : {{ $at.s.kind }} == 'given' ? {{ $at.s.name }} in variables.set
      : variables.secret).map(s, {{ $at.s.id }})
{{- /* Whether the pod says nothing that the definition reads, so that its container is the usual one. */}}
- name: agents
  expression: >-
    variables.annotations.exists(key, key.matches('^(?:vault[.]|secrets-injector[.]|operator[.]1password|akeyless/|conjur[.])'))
- name: silent
  expression: >-
    variables.set.size() == 0 && {{ include "outrider.injection.of" "silent" }}.exists(q, !has(variables.server.envFrom)
      && (!has(variables.server.ports) || {{ $at.q.port }} == '' || variables.server.ports.exists(p, string(p.containerPort) == {{ $at.q.port }} && p.?protocol.orValue('TCP') == 'TCP')
        && variables.server.ports.all(p, string(p.containerPort) == {{ $at.q.port }} || !has(p.name) || !(p.name in {{ $at.q.portNames }}.split(','))))
      && (!has(variables.server.env) || variables.server.env.all(v, !variables.reads.contains(',' + v.name + ',') && ({{ $at.q.login }} == '' || (has(v.valueFrom) ? !has(v.valueFrom.secretKeyRef)
        : !(v.?value.orValue('').startsWith('/') && v.name.matches({{ include "outrider.vocabulary.passwords" . }}))))))
      && ({{ $at.q.login }} == '' || !variables.agents)) && variables.seenPod.size() == 0 && !variables.mentioned
{{- include "outrider.injection.settings" . }}
{{- include "outrider.injection.account" . }}
{{- include "outrider.injection.sidecar" . }}
{{- /* Why the pod is left to the webhook; empty where it is not. */}}
- name: left
  expression: >-
    {{- include "outrider.injection.left" . | nindent 4 }}
{{- end -}}
