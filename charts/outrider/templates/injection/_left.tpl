{{/*
What is left to the webhook, in the order of its own questions. Each line is a condition and a reason; the first that holds is
the answer, and what comes after a line may rely on it.
*/}}
{{- define "outrider.injection.left" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
variables.large || variables.oversize ? 'Size'
: !('comparingOwners' in variables.known) ? 'NoData'
: !(variables.asked in ['auto', '']) && !('definition.' + variables.asked in variables.known) ? 'Words'
: variables.scrape != '' && !variables.annotations['outrider.dev/scrape'].matches('^(?:https:)?(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})(?:/[A-Za-z0-9/_.~-]{0,127})?$') ? 'Scrape'
: variables.asked == 'auto' && variables.read.size() != variables.running.size() ? 'CommandLine'
: variables.asked == 'auto' && (variables.running.size() > 1 || variables.named.exists(c, c.image == ''))
  && variables.running.exists(c, [c.?command.orValue([]) + c.?args.orValue([])].exists(line, line.exists(word, string(word).matches({{ include "outrider.vocabulary.shell" . }}))
    && line.exists(word, string(word).matches('[;|&\n]|entrypoint')))) ? 'CommandLine'
: variables.names.size() == 0 && (variables.asked == 'auto' || variables.scrape == '') ? 'NotRecognized'
: variables.names.size() > 1 ? 'SeveralExporters'
: variables.name != '' && variables.exporter[0] == 'left' ? 'NotExpressed'
{{ include "outrider.injection.leftPod" . }}
: variables.name == '' ? ''
: !variables.discovered && {{ include "outrider.injection.known" "suspended" }}.exists(line, line == variables.name || line == namespaceObject.metadata.name + '/' + variables.name) ? 'Suspended'
: !variables.discovered && (namespaceObject.metadata.name in {{ include "outrider.injection.known" "budgeted" }} || 'kubernetes.io/limit-ranger' in variables.annotations) ? 'Budget'
: variables.meshes.exists(key, key in variables.annotations) ? 'Mesh'
: variables.containers.exists(c, c.name.startsWith('outrider-'))
  || has(object.spec.volumes) && object.spec.volumes.exists(v, v.name.startsWith('outrider-')) ? 'Own'
: !variables.discovered && has(object.spec.hostNetwork) && object.spec.hostNetwork || object.spec.containers.size() == 0 ? 'Pod'
: has(object.spec.os) && object.spec.os.name != 'linux'
  || has(object.spec.nodeSelector) && ['kubernetes.io/os', 'beta.kubernetes.io/os'].exists(key, object.spec.nodeSelector[?key].orValue('linux') != 'linux')
  || has(object.spec.affinity) && object.spec.affinity.?nodeAffinity.?requiredDuringSchedulingIgnoredDuringExecution.?nodeSelectorTerms.orValue([])
    .exists(term, term.?matchExpressions.orValue([]).exists(e, e.key.endsWith('kubernetes.io/os'))) ? 'OperatingSystem'
: {{ $at.exporter.once }} != '' && has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(o, has(o.controller) && o.controller) ? 'Owner'
: variables.name in variables.carried || 'exporting.' + variables.name in variables.known
  && variables.exporting.exists(container, container.matches(variables.known['exporting.' + variables.name])) ? 'Exporter'
: !variables.discovered && variables.containers.exists(c, has(c.ports) && c.ports.exists(p, string(p.containerPort) == {{ $at.exporter.port }} && (!has(p.protocol) || p.protocol == 'TCP'))) ? 'PortCollision'
: variables.running.size() != 1 && !variables.evident && variables.read.size() != variables.looked.size() ? 'CommandLine'
: variables.servers.size() != 1 ? 'Server'
: variables.image.contains('//') || variables.image.endsWith('/') ? 'Image'
: variables.line.exists(word, word.contains('$')) && variables.server.?env.orValue([]).exists(v, v.?value.orValue('').startsWith('-')) ? 'CommandLine'
: variables.credentials.size() > 0 && variables.line.exists(word, word.matches({{ include "outrider.vocabulary.configurations" . }})) && object.spec.?volumes.orValue([]).exists(v, has(v.secret) || has(v.projected)) ? 'Account'
: variables.line.exists(word, word.matches({{ include "outrider.vocabulary.shell" . }})) && variables.line.exists(word, word.matches({{ include "outrider.vocabulary.assigns" . }})) ? 'CommandLine'
: variables.line.exists(word, word.matches('(?:^|/)env$')) && variables.line.exists(word, word.matches('^[^-=][^=]*=.')) ? 'CommandLine'
: variables.silent ? ''
: variables.mentioned && (!variables.taken || variables.line.size() > 64) ? 'CommandLine'
: variables.server.?env.orValue([]).size() > 0 && (
    variables.server.env.map(v, v.name).distinct().size() != variables.server.env.size()
    || variables.flagged.exists(r, {{ include "outrider.injection.list" "r[2]" }}.exists(n, n in variables.env))
    || variables.server.env.exists(v, variables.reads.contains(',' + v.name + ',') && has(v.value) && (v.value.size() > 4096 || v.value.matches('[$`]')))
    || variables.parameters.exists(p, {{ $at.p.env }} != '' && !({{ $at.p.name }} in variables.set) && {{ $at.p.env }}.split(',').exists(n, n in variables.has && (has(variables.env[n].valueFrom)
      || {{ $at.p.part }} != '' && !({{ $at.p.part }} == 'host' && variables.env[n].value in ['0.0.0.0', '127.0.0.1', '::', '*'] && '127.0.0.1' == {{ $at.p.default }}))))) ? 'Variable'
: {{ include "outrider.injection.flag" . }} ? 'Flag'
: variables.discovered && (variables.scrape != '' || 'prometheus.io/port' in variables.annotations) ? 'Scrape'
: !variables.discovered && variables.tcp.size() > 1 && variables.parameters.exists(p, {{ $at.p.fromPorts }} != '' && !({{ $at.p.name }} in variables.set) && {{ include "outrider.injection.candidates" . }}.size() > 1
    && [{{ include "outrider.injection.usual" "variables.held" }}].exists(usual, !{{ include "outrider.injection.port" . }}.hasValue())) ? 'Ports'
: variables.parameters.exists(p, {{ $at.p.required }} != '' && !({{ $at.p.name }} in variables.set) && !({{ $at.p.name }} in variables.shown)) ? 'Required'
: variables.discovered && !variables.endpoint.matches('^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?=(?:https:)?(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})(?:/[A-Za-z0-9/_.~-]{0,127})?$') ? 'Required'
: {{ include "outrider.injection.of" "unset" }}.exists(r, {{ include "outrider.injection.list" "r[1]" }}.exists(name, variables.values[name] != '')) ? 'Volume'
: variables.obstacles.exists(o, {{ $at.o.account }} == '' && {{ include "outrider.injection.holds" (list $at.o "variables.seen" "") }}) ? 'Obstacle'
: variables.login && ({{ include "outrider.injection.unfollowed" . }}) ? 'Account'
: variables.obstacles.exists(o, {{ $at.o.account }} != '' && [variables.seen + (variables.login && (variables.secret || variables.account.size() > 0) ? ['account'] : [])].exists(seen, {{ include "outrider.injection.holds" (list $at.o "seen" "") }})) ? 'Obstacle'
: ''
{{- end -}}

{{/* What is about the pod as such, whatever it asks for. */}}
{{- define "outrider.injection.leftPod" -}}
: variables.namespaceAnnotations.exists(key, {{ include "outrider.injection.own" . }} && key != 'outrider.dev/repair'
    && !(key == 'outrider.dev/budget' && variables.namespaceAnnotations[key].matches('^[1-9][0-9]{0,8}$'))) ? 'NamespaceAnnotation'
: variables.annotations.exists(key, {{ include "outrider.injection.own" . }} && !({{ include "outrider.injection.understood" . }})) ? 'Annotation'
: 'outrider.dev/monitored' in variables.labels || 'kubernetes.io/config.mirror' in variables.annotations ? 'Own'
: has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(o, has(o.controller) && o.controller
    && [o.apiVersion.split('/')[0]].exists(group, [group, group + '/' + o.kind].exists(owner, ('\n' + variables.known['comparingOwners'] + '\n').contains('\n' + owner + '\n')))) ? 'Owner'
{{- end -}}

{{/* A key of the domain. */}}
{{- define "outrider.injection.own" -}}
(key.startsWith('outrider.dev/') || key.contains('.outrider.dev') && key.split('/')[0].endsWith('.outrider.dev'))
{{- end -}}

{{/* The pod's keys that are decided here: the exporter's own parameters, with good values. */}}
{{- define "outrider.injection.understood" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
key in ['outrider.dev/inject', 'outrider.dev/scrape']
    || variables.name != '' && (key == 'outrider.dev/placement' && (variables.annotations[key] == 'native' || variables.annotations[key] == 'container' && !variables.completes)
    || key == variables.key + 'secret' && variables.credentials.size() > 0
      && variables.annotations[key].matches('^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:[.][a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?){0,2}(?:/[A-Za-z0-9][-._A-Za-z0-9]{0,250})?$')
    || key == variables.key + 'container' && variables.running.exists(c, c.name == variables.annotations[key])
    || key.startsWith(variables.key) && variables.parameters.exists(p, key == variables.key + {{ $at.p.name }} && variables.annotations[key].matches({{ $at.p.pattern }})))
{{- end -}}

{{/* Flags whose values are put together elsewhere, addresses other than the usual, and a socket. */}}
{{- define "outrider.injection.flag" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
variables.words.size() > 0 && (variables.sockets.exists(r, variables.hits[?r[1]].orValue([]).size() > 0)
  || variables.parameters.exists(p, {{ $at.p.flags }} != '' && !({{ $at.p.name }} in variables.set) && {{ $at.p.flags }}.split(',').exists(f, f in variables.given
    && ({{ $at.p.part }} == '' ? variables.given[f].matches('[$`]')
      : variables.discovered || !({{ $at.p.part }} == 'host' && variables.given[f].matches('^-?(?:0[.]0[.]0[.]0|127[.]0[.]0[.]1|localhost|::1?|[*])(?:[, ]|$)') && '127.0.0.1'.matches({{ $at.p.pattern }})
        || {{ $at.p.part }} == 'port' && variables.given[f].matches('^(?:(?:0[.]0[.]0[.]0|127[.]0[.]0[.]1|localhost|[*]):)?[0-9]{1,5}$') && variables.given[f].find('[0-9]+$').matches({{ $at.p.pattern }})))))
  || variables.byArg.exists(s, variables.hits[{{ $at.e.name }}].exists(h, h.value.matches('[$`]'))))
{{- end -}}

{{/* Accounts that are refused, or that only the webhook follows. */}}
{{- define "outrider.injection.unfollowed" -}}
{{- $at := include "outrider.injection.fields" . | fromYaml -}}
variables.server.?env.orValue([]).size() > 0 && [{{ include "outrider.injection.of" "logins" }}.map(r, {{ include "outrider.injection.list" "r[1]" }}).flatten() + (variables.given.size() == 0 ? [] : variables.accounts.map(a, {{ include "outrider.injection.from" . }}))].exists(logins,
      variables.server.env.exists(v, v.name in logins && (has(v.valueFrom) && !has(v.valueFrom.secretKeyRef) && !has(v.valueFrom.configMapKeyRef)
          || v.?value.orValue('').matches('^(?:vault:|>>vault:|ref[+]|op://|arn:aws:|awssm:|gcp:|gsm:|sm://|azurekv:|azurekeyvault:)'))
        || v.name.endsWith('_FILE') && v.name.substring(0, v.name.size() - 5) in logins))
    || !variables.secret && variables.credentials.exists(c,
      variables.server.?envFrom.orValue([]).size() > variables.whole.size() || variables.whole.size() > 1
      || variables.whole.size() > 0 && variables.line.exists(word, word.contains('$')) && !variables.found.exists(a, {{ $at.a.flags }} != '')
      || variables.unsure && {{ $at.c.fallback }} == ''
      || variables.account.exists(a, 'user' in variables.set || {{ $at.a.among }} != ''
        || variables.from.exists(n, n in variables.env ? !has(variables.env[n].valueFrom) : variables.whole.size() != 1 || n == '?')
        || {{ $at.c.user }} != '' && variables.from.size() > 0 && {{ $at.a.user }} != '' && {{ $at.a.defaultUser }} == '' && variables.users.size() == 0)
      || variables.account.size() == 0 && ({{ $at.c.required }} != ''
        || variables.server.?env.orValue([]).exists(v, (has(v.valueFrom) ? has(v.valueFrom.secretKeyRef) : v.?value.orValue('').startsWith('/')) && v.name.matches({{ include "outrider.vocabulary.passwords" . }}))
        || variables.agents))
{{- end -}}
