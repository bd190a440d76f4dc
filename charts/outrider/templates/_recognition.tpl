{{/*
How a workload is recognized from its pod, in the API server's policies: steps from variables.pod, and variables.known with the
keys of sidecars.Recognition, to the exporters that each container serves. Nothing here is newer than Kubernetes 1.30, where
lastIndexOf fails in an empty text. A dict of looked (an expression of the containers that are looked at), and the most containers,
elements of their lists, and bytes of their command lines with which a pod is not large.
*/}}
{{- define "outrider.recognition.variables" -}}
{{- /* All containers. */}}
- name: containers
  expression: >-
    variables.pod.spec.containers + (has(variables.pod.spec.initContainers) ? variables.pod.spec.initContainers : [])
{{- /* Whether they are larger than is worth the API server's time, which grows with the square of the elements that an expression
looks at and is not limited: a tenant's pod of 30,000 arguments would keep it busy for a minute. The counts come first. */}}
- name: many
  expression: >-
    variables.containers.size() > {{ .containers }} || variables.containers.exists(c, has(c.env) && c.env.size() > 500)
    || variables.containers.map(c, (has(c.env) ? c.env.size() : 0) + (has(c.envFrom) ? c.envFrom.size() : 0) + (has(c.command) ? c.command.size() : 0)
        + (has(c.args) ? c.args.size() : 0) + (has(c.ports) ? c.ports.size() : 0) + (has(c.volumeMounts) ? c.volumeMounts.size() : 0)).sum() > {{ .elements }}
- name: lengthy
  expression: >-
    variables.containers.exists(c, has(c.image) && c.image.size() > 1024)
    || variables.containers.map(c, (has(c.command) ? c.command.join('').size() : 0) + (has(c.args) ? c.args.join('').size() : 0)).sum() > {{ .bytes }}
- name: large
  expression: >-
    variables.many || variables.lengthy
{{- /* The containers that run as long as the pod, as texts: image without its folders, names, ports, variables and command
line, its words joined by \x01. Without data, and with such a word, none. */}}
- name: completes
  expression: >-
    has(variables.pod.spec.restartPolicy) && string(variables.pod.spec.restartPolicy) in ['Never', 'OnFailure']
- name: lasting
  expression: >-
    variables.pod.spec.containers + (!has(variables.pod.spec.initContainers) ? []
      : variables.pod.spec.initContainers.filter(c, has(c.restartPolicy) && string(c.restartPolicy) == 'Always'))
- name: running
  expression: >-
    variables.lasting.filter(c, !c.name.startsWith('outrider-'))
{{- /* Those that are looked at. */}}
- name: looked
  expression: >-
    {{- .looked | nindent 4 }}
- name: long
  expression: >-
    ('exporters' in variables.known ? variables.looked : []).map(c, {
      'image': dyn((has(c.image) ? string(c.image) : '').split('@')[0].find('[^/]*$')),
      'whole': dyn(has(c.image) ? string(c.image) : ''),
      'name': dyn(string(c.name)),
      'ports': dyn(has(c.ports) ? c.ports.map(p, {'port': string(p.containerPort), 'name': has(p.name) ? string(p.name) : ''}).map(p, {
          'port': dyn(p.port), 'name': dyn(p.name),
          'of': dyn('port.' + p.port in variables.known ? string(variables.known['port.' + p.port]).split('\n') : []),
          'named': dyn([!p.name.matches('[-_.0-9]') ? p.name : p.name.substring(0, p.name.size() - p.name.find({{ include "outrider.vocabulary.tails" . }}).size()).replace('_', '-').replace('.', '-')]
            .map(kind, ['name.' + p.name, 'name.' + kind.find('[^-]*$')].filter(key, key in variables.known).map(key, string(variables.known[key])).join('\n').split('\n'))[0])})
        : []),
      'env': dyn(has(c.env) ? c.env : []),
      'own': dyn((!has(c.command) || c.command.size() == 0) && (!has(c.args) || c.args.size() == 0 || c.args[0].startsWith('-'))),
      'words': dyn((has(c.command) ? c.command : []) + (has(c.args) ? c.args : []))
    }).filter(c, c.words.all(word, !word.contains('\x01')))
{{- /* Their command lines as lists of words: one, or one for each command of a shell's script. What would be read in another
way than the webhook does, or takes long, is left out. */}}
- name: read
  expression: >-
    variables.long.map(c, {
      'is': dyn(c),
      'line': dyn(c.words.map(word, string(word)).join('\x01'))
    }).map(c, {
      'is': c.is,
      'line': c.line,
      'start': dyn(c.is.own ? '' : string(c.line).find({{ include "outrider.vocabulary.script" . }}))
    }).map(c, {
      'is': c.is,
      'script': dyn(c.start != ''),
      'text': dyn(c.start == '' ? string(c.line) : string(c.line).substring(c.start.size()).split('\x01')[0])
    }).filter(c, !c.script || c.text.size() <= 8192 && string(c.text).replace('|', ';').replace('&', ';').replace('\n', ';').replace(' ', ';').split(';').size() <= 1000
      && !c.text.matches(r'[\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]')).map(c, {
      'is': c.is,
      'script': c.script,
      'words': dyn(!c.script ? string(c.text).split('\x01')
        : string(c.text).replace('|', ' ').replace('&', ' ').replace(';', ' ').replace('\n', ' ').replace('\t', ' ').replace('\v', ' ').replace('\f', ' ').replace('\r', ' ')
            .split(' ').map(word, word.find(r"""(?s:[^"'](?:.*[^"'])?)"""))),
      'lines': dyn(c.is.own ? [] : !c.script ? [string(c.text)]
        : string(c.text).replace('\\\n', ' ').split('\n').map(line, line.find(r'^(?:[^\s#]\S*|\s+)*').replace('|', ';').replace('&', ';')).join(';').split(';').map(command,
            command.replace('\t', ' ').replace('\v', ' ').replace('\f', ' ').replace('\r', ' ').split(' ').filter(word, word != '')
              .map(word, word.find(r"""(?s:[^"'](?:.*[^"'])?)""")).join('\x01')))
    })
{{- /* The programs that they run: of each command the first word if it is idle, else the first that is known, else unknown. */}}
- name: programs
  expression: >-
    variables.read.map(c, {
      'is': c.is,
      'script': c.script,
      'words': c.words,
      'lines': dyn(c.lines.map(line, {
        'text': dyn('\x01' + string(line) + '\x01'),
        'words': dyn(string(line).findAll({{ include "outrider.vocabulary.words" . }}))
      }).map(line, {
        'text': line.text,
        'shell': dyn(line.words.exists(word, word.matches({{ include "outrider.vocabulary.shell" . }}))),
        'programs': dyn(line.words.filter(word, !word.matches({{ include "outrider.vocabulary.passed" . }})))
      }).map(line, {
        'shell': line.shell,
        'programs': dyn((line.programs.size() < 2 ? line.programs.map(word, string(word)) : [string(line.programs[0])]
          + string(line.text).substring(string(line.text).indexOf('\x01' + string(line.programs[0]) + '\x01') + string(line.programs[0]).size() + 2).findAll({{ include "outrider.vocabulary.behind" . }})
            .filter(word, !word.matches({{ include "outrider.vocabulary.passed" . }}) && !word.matches({{ include "outrider.vocabulary.operand" . }})))
          .map(word, word.split('/').filter(part, part != '')).map(parts, parts.size() == 0 ? '' : parts[parts.size() - 1]))
      }))
    }).map(c, {
      'is': c.is,
      'words': c.words,
      'own': dyn(c.is.own || !c.script && c.lines.all(line, line.programs.size() == 0 && !line.shell)),
      'programs': dyn(c.lines.map(line, line.programs.size() == 0 ? (line.shell ? 'idle ' : '')
        : string(line.programs[0]) in {{ include "outrider.vocabulary.idle" . }} ? 'idle '
        : line.programs.exists(word, 'program.' + string(word) in variables.known) ? string(line.programs.filter(word, 'program.' + string(word) in variables.known)[0])
        : line.programs[0].matches({{ include "outrider.vocabulary.otherPrograms" . }}) ? 'other ' : 'unknown '))
    }).map(c, {
      'is': c.is,
      'words': c.words,
      'own': c.own,
      'other': dyn(c.programs.exists(word, word == 'other ' || 'program.' + string(word) in variables.known && variables.known['program.' + string(word)] == '')),
      'unknown': dyn(c.programs.exists(word, word == 'unknown ')),
      'servers': dyn(c.programs.filter(word, 'program.' + string(word) in variables.known).map(word, string(variables.known['program.' + string(word)])).join('\n')
        .split('\n').filter(name, name != ''))
    })
{{- /* What their names say: the exporters of the image, and those that the container, its image and its ports are named after. */}}
- name: named
  expression: >-
    variables.programs.map(c, {
      'at': dyn(c),
      'base': dyn(string(c.is.image).split(':')[0]),
      'tag': dyn(string(c.is.image).contains(':') ? string(c.is.image).substring(string(c.is.image).indexOf(':') + 1) : '')
    }).map(c, {
      'at': c.at, 'base': c.base, 'tag': c.tag,
      'tagged': dyn([string(c.base)].map(base, [base, (!base.matches('[-_.0-9]') ? base : base.substring(0, base.size() - base.find({{ include "outrider.vocabulary.tails" . }}).size()).replace('_', '-').replace('.', '-'))
          .find('[^-]*$')])[0].map(base, c.tag.split('-').map(word, [word, word.substring(0, word.size() - word.find('[0-9.]*$').size())]
        .filter(word, 'tag.' + base + '.' + word in variables.known)).filter(words, words.size() > 0).map(words, string(variables.known['tag.' + base + '.' + words[0]]))).filter(found, found.size() > 0)),
      'stem': dyn(!c.base.matches('[-_.0-9]') ? c.base : [c.base.substring(c.base.find({{ include "outrider.vocabulary.fronts" . }}).size())]
        .map(base, base.substring(0, base.size() - base.find({{ include "outrider.vocabulary.variants" . }}).size()))[0])
    }).map(c, {
      'at': c.at, 'base': c.base, 'tag': c.tag,
      'image': dyn(c.tagged.size() > 0 ? c.tagged[0][0] : 'image.' + string(c.base) in variables.known ? variables.known['image.' + string(c.base)]
        : 'image.' + string(c.stem) in variables.known ? variables.known['image.' + string(c.stem)]
        : c.base.matches({{ include "outrider.vocabulary.others" . }}) ? '' : [c.tag.split('-').map(word, [word, word.substring(0, word.size() - word.find('[0-9.]*$').size())]
          .filter(word, 'tag..' + word in variables.known)).filter(words, words.size() > 0)].map(found, found.size() == 0 ? '' : string(variables.known['tag..' + found[0][0]]))[0])
    }).map(c, {
      'at': c.at, 'base': c.base, 'tag': c.tag, 'image': c.image,
      'parts': dyn(c.image != '' ? [] : [string(c.base), string(c.at.is.name)].map(name, name.replace('_', '-').replace('.', '-').split('-').map(word, word.substring(0, word.size() - word.find('[0-9]*$').size())))),
      'named': dyn(c.image != '' ? [] : [string(c.at.is.name), string(c.base), [string(c.at.is.whole).split('@')[0]].map(path,
          path.matches({{ include "outrider.vocabulary.folders" . }}) ? path.find('[^/]+/[^/]*$').split('/')[0] : string(c.tag))[0]].map(name, [name, !name.matches('[-_.0-9]') ? name : name.substring(0, name.size() - name.find({{ include "outrider.vocabulary.tails" . }}).size())])
        .map(names, [names[0], names[1].replace('_', '-').replace('.', '-')])
        .map(names, ['name.' + names[0], 'name.' + names[1].find('[^-]*$')].filter(key, key in variables.known).map(key, string(variables.known[key])).join('\n').split('\n')))
    })
{{- /* The exporters of those that show enough, and that nothing contradicts: one text for each container, and all of them. */}}
- name: served
  expression: >-
    variables.named.map(c, ((c.image != '' ? [string(c.image)]
      : c.at.is.ports.map(p, p.of.filter(name, name in c.named[0] || name in c.named[1] || name in c.named[2]
        || name in p.named && c.parts.exists(words, words.exists(word, word in {{ include "outrider.vocabulary.holders" . }} || {{ include "outrider.recognition.names" "name" }}))
        || {{ include "outrider.recognition.reads" . }}).map(name, string(name)).join('\n')).join('\n').split('\n')
        + (c.at.is.env.size() == 0 ? [] : (c.named[0] + c.named[1]).filter(name, {{ include "outrider.recognition.reads" . }}).map(name, string(name)))) + c.at.servers.map(name, string(name))).filter(name, name != ''
      && (name in c.at.servers || (c.image == name ? !c.tag.matches({{ include "outrider.vocabulary.otherTags" . }})
        : c.image == '' && !(name in c.named[0] || name in c.named[1] ? c.base.matches({{ include "outrider.vocabulary.tools" . }}) : c.base.matches({{ include "outrider.vocabulary.others" . }}))
          && !(name in c.named[0] ? c.at.is.name.matches({{ include "outrider.vocabulary.tools" . }}) : c.at.is.name.matches({{ include "outrider.vocabulary.others" . }}))
          && !c.parts.exists(words, words.exists(word, word in {{ include "outrider.vocabulary.proxies" . }} && !{{ include "outrider.recognition.names" "name" }}))
          && (c.parts[0].exists(word, {{ include "outrider.recognition.names" "name" }}) || !c.parts[0].exists(word, 'name.' + word in variables.known)
            || c.parts[0].exists(word, word in {{ include "outrider.vocabulary.stores" . }}))))
      && !('notArgs.' + name in variables.known && c.at.words.exists(word, word in string(variables.known['notArgs.' + name]).split('\n')))
      && !('notEnv.' + name in variables.known && c.at.is.env.exists(v, string(v.name) + '=' + (has(v.value) ? string(v.value) : '') in string(variables.known['notEnv.' + name]).split('\n')))
      && (c.at.is.ports.size() == 0 || !c.at.is.ports.all(p, c.image != name && p.name.matches({{ include "outrider.vocabulary.othersOfPorts" . }})
        || !(name in p.of) && !(name in p.named) && p.of.exists(other, other in p.named) && !(name in variables.known['native'].split('\n'))
        || 'notPorts.' + name in variables.known && string(p.port) in string(variables.known['notPorts.' + name]).split('\n')))
      && (c.at.own || name in c.at.servers || c.at.servers.size() == 0 && !c.at.other && c.at.unknown && !c.at.is.name.matches({{ include "outrider.vocabulary.otherPrograms" . }})
        && (!variables.completes || c.at.is.ports.exists(p, name in p.of)))
    ).join('\n'))
- name: serving
  expression: >-
    variables.served.join('\n').split('\n')
{{- /* What they say of exporters, and ours. */}}
- name: carried
  expression: >-
    variables.lasting.map(c, has(c.image), 'carries.' + string(c.image).split('@')[0].find('[^/]*$').split(':')[0])
      .map(key, key in variables.known, string(variables.known[key])).join('\n').split('\n')
    + variables.containers.filter(c, c.name.startsWith('outrider-')).map(c, string(c.name).substring(9))
- name: exporting
  expression: >-
    !variables.lasting.exists(c, c.name.contains('exporter') || has(c.image) && c.image.contains('exporter') || has(c.command) && c.command.size() > 0 && c.command[0].contains('exporter')) ? []
    : variables.lasting.map(c, [string(c.name)] + (has(c.image) ? string(c.image) : '').split('@')[0].find('[^/]*$').split(':') + (has(c.command) && c.command.size() > 0 ? [string(c.command[0]).find('[^/]*$')] : []))
      .map(names, names.filter(name, name.contains('exporter') && name.matches({{ include "outrider.vocabulary.exporter" . }})).join('\n')).join('\n').split('\n').filter(name, name != '')
{{- end -}}

{{/* Whether a container has a variable that only the server reads. */}}
{{- define "outrider.recognition.reads" -}}
'env.' + name in variables.known && string(variables.known['env.' + name]).split('\n').exists(variable, c.at.is.env.exists(v, string(v.name) == variable))
{{- end -}}

{{/* Whether a word is one of the names of an exporter's workload. */}}
{{- define "outrider.recognition.names" -}}
('name.' + word in variables.known && {{ . }} in string(variables.known['name.' + word]).split('\n'))
{{- end -}}
