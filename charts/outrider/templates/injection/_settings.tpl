{{/* Steps to the values of the exporter's parameters: what the server shows, and what is usual. */}}
{{- define "outrider.injection.settings" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
{{- range $round := list 0 1 }}
{{- $held := printf "variables.held%d" $round }}
{{- /* Signs that are seen, the values that they call for, and those of the parameters that depend on no others. */}}
- name: seen{{ $round }}
  expression: >-
    {{- if eq $round 0 }}
    (variables.env.size() == 0 ? [] : {{ include "outrider.injection.of" "ifEnv" }}.filter(s, {{ $at.e.name }} in variables.env && (has(variables.env[{{ $at.e.name }}].valueFrom) ? {{ $at.e.matches }} == ''
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
    variables.parameters{{ if eq $round 0 }}.filter(p, {{ $at.p.round }} == '0'){{ end }}.transformMapEntry(i, p, { {{- $at.p.name }}: {{ if eq $round 1 }}{{ $at.p.round }} == '0' ? variables.values0[{{ $at.p.name }}] : {{ end }}{{ $at.p.name }} in variables.set ? variables.set[{{ $at.p.name }}] : {{ $at.p.read }} == '' ? {{ $at.p.default }}
      : {{ include "outrider.injection.given" . }}[?0]
        .or({{ include "outrider.injection.variable" . }}.map(n, string(variables.env[n].value))[?0])
        .or({{ $held }}.filter(v, {{ $at.v.parameter }} == {{ $at.p.name }} && {{ $at.v.kind }} == 'sign').map(v, {{ $at.v.value }})[?0])
        .or(({{ $at.p.fromPorts }} == '' || variables.tcp.size() == 0 ? [] : [{{ include "outrider.injection.usual" $held }}].map(usual, {{ include "outrider.injection.port" . }}).filter(q, q.hasValue() && (q.value().port == {{ $at.p.default }} || q.value().port.matches({{ $at.p.pattern }}))).map(q, q.value().port))[?0])
        .orValue({{ include "outrider.injection.usual" $held }})})
{{- end }}
- name: values
  expression: >-
    variables.parameters.all(p, {{ $at.p.round }} == '0') ? variables.values0 : variables.values1
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
      || {{ $at.p.fromPorts }} != '' && [{{ include "outrider.injection.usual" "variables.held" }}].map(usual, {{ include "outrider.injection.port" . }})
        .exists(q, q.hasValue() && q.value().port.matches('^[1-9]') && q.value().port.matches({{ $at.p.pattern }}))).map(p, {{ $at.p.name }})
- name: endpoint
  expression: >-
    variables.name + '=' + (variables.values[?'scheme'].orValue('') == 'https' ? 'https:' : '') + (variables.values[?'port'].orValue('') != '' ? variables.values['port'] : {{ $at.exporter.port }})
      + [variables.values[?'path'].orValue('') != '' ? variables.values['path'] : {{ $at.exporter.path }}].map(path, path == '/metrics' ? '' : path)[0]
{{- end -}}

{{/* The values of a parameter p: by its flags, and the names of its variables, where they are good ones; what is usual by the values that hold. */}}
{{- define "outrider.injection.given" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
(variables.given.size() == 0 ? [] : {{ $at.p.part }} == '' ? {{ $at.p.flags }}.split(',').filter(f, f in variables.given && variables.given[f].matches({{ $at.p.pattern }})).map(f, variables.given[f])
        : {{ $at.p.flags }}.split(',').filter(f, f in variables.given).map(f, {{ $at.p.part }} == 'host' ? '127.0.0.1' : variables.given[f].find('[0-9]+$')))
{{- end -}}
{{- define "outrider.injection.variable" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
(variables.has.size() == 0 || {{ $at.p.env }} == '' ? [] : {{ $at.p.env }}.split(',').filter(n, n in variables.has && variables.env[n].?value.orValue('').matches({{ $at.p.pattern }})))
{{- end -}}
{{- define "outrider.injection.usual" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
{{ . }}.filter(v, {{ $at.v.parameter }} == {{ $at.p.name }} && {{ $at.v.kind }} == 'default').map(v, {{ $at.v.value }})[?0].orValue({{ $at.p.default }})
{{- end -}}

{{/* Whether what has the fields when and unless holds by the signs that are seen: a list of its fields, the variable and its round. */}}
{{- define "outrider.injection.holds" -}}
{{- $fields := index . 0 -}}
{{- $seen := printf "%s%v" (index . 1) (index . 2) -}}
({{ $fields.when }} == '' || {{ $fields.when }}.split(',').all(id, id in {{ $seen }})) && ({{ $fields.unless }} == '' || !{{ $fields.unless }}.split(',').exists(id, id in {{ $seen }}))
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

{{/* The port that the server listens on, the likeliest first, if one says so: p is the parameter, and usual its default. */}}
{{- define "outrider.injection.port" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
(variables.tcp.size() == 1 && variables.tcp[0].port == usual ? variables.tcp : !variables.discovered ? [] : {{ include "outrider.injection.portsNamed" (include "outrider.vocabulary.metricsPorts" .) }})[?0]
      .or(variables.tcp.filter(q, q.port == usual && !(q.name != '' && q.name in {{ $at.p.portNames }}.split(',')))[?0])
      .or((variables.tcp.size() == 0 ? [] : {{ include "outrider.injection.portsNamed" (include "outrider.injection.list" $at.p.portNames) }})[?0])
      .or((variables.discovered || {{ $at.p.usual }} == '' ? [] : [variables.tcp.filter(q, q.of)].map(usual, usual.size() == 1 ? usual : [])[0])[?0])
      .or((variables.discovered ? [] : [{{ include "outrider.injection.candidates" . }}].map(candidates, candidates.size() == 1 && ('http' in {{ $at.p.portNames }}.split(',') || !(candidates[0].port in {{ include "outrider.vocabulary.webPorts" . }})) ? candidates : [])[0])[?0])
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
