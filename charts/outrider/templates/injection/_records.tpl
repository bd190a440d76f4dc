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

{{/* The items of a field, the lines of a key of the data, which may be missing, or those of a value. */}}
{{- define "outrider.injection.list" -}}
({{ . }} == '' ? [] : {{ . }}.split(','))
{{- end -}}
{{- define "outrider.injection.known" -}}
(variables.known[?'{{ . }}'].orValue('') == '' ? [] : variables.known['{{ . }}'].split('\n'))
{{- end -}}
{{- define "outrider.injection.lines" -}}
({{ . }} == '' ? [] : {{ . }}.split('\n'))
{{- end -}}
