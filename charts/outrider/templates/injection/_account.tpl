{{/* Steps to the account that the exporter logs in with. */}}
{{- define "outrider.injection.account" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
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
{{- end -}}

{{/* Whether the signs allow an account a, and the variable with its password: its own, or the one that a flag names; ? where that is none. */}}
{{- define "outrider.injection.allowed" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
({{ $at.a.when }} == '' || {{ $at.a.when }}.split(',').all(id, id in variables.seen))
{{- end -}}
{{- define "outrider.injection.from" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
({{ $at.a.password }} != '' && {{ $at.a.password }} in variables.has ? {{ $at.a.password }} : variables.given.size() == 0 || {{ $at.a.flags }} == '' ? ''
      : {{ $at.a.flags }}.split(',').filter(f, f in variables.given).map(f, variables.given[f].matches(r'^\$(?:[(][A-Za-z0-9_]+[)]|[{][A-Za-z0-9_]+[}]|[A-Za-z0-9_]+)$') && (variables.script || variables.given[f].startsWith('$('))
          ? variables.given[f].find('[A-Za-z0-9_]+') : '?')[?0].orValue(''))
{{- end -}}

{{/* A variable of the server as the exporter's: by reference, optional so that nothing keeps the pod from starting. */}}
{{- define "outrider.injection.reference" -}}
(!({{ . }} in variables.env) ? {'valueFrom': dyn({'secretKeyRef': {'name': dyn(variables.whole[0]), 'key': dyn({{ . }}), 'optional': dyn(true)}})}
        : !has(variables.env[{{ . }}].valueFrom) ? {'value': dyn(variables.env[{{ . }}].value)}
        : [has(variables.env[{{ . }}].valueFrom.secretKeyRef) ? 'secretKeyRef' : 'configMapKeyRef'].map(kind, [kind == 'secretKeyRef' ? variables.env[{{ . }}].valueFrom.secretKeyRef : variables.env[{{ . }}].valueFrom.configMapKeyRef].map(ref,
            {'valueFrom': dyn({kind: {'name': dyn(ref.?name.orValue('')), 'key': dyn(ref.key), 'optional': dyn(true)}})})[0])[0])
{{- end -}}
