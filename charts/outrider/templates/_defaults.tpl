{{/*
Fills in the defaults of keys that the values do not have: "helm upgrade --reuse-values" takes all values, defaults too, from the
release's older chart, and null takes a key out. files/defaults.json has them by path, as in values.yaml.
*/}}
{{- define "outrider.defaults" -}}
{{- range $path, $default := .Files.Get "files/defaults.json" | fromJson -}}
{{- $block := $.Values -}}
{{- $keys := splitList "." $path -}}
{{- range initial $keys -}}
{{- if not (kindIs "map" (get $block .)) }}{{ $_ := set $block . dict }}{{ end -}}
{{- $block = get $block . -}}
{{- end -}}
{{- if kindIs "invalid" (index $block (last $keys)) }}{{ $_ := set $block (last $keys) $default }}{{ end -}}
{{- end -}}
{{- end -}}
