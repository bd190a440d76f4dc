{{/*
The files of rules, as YAML: a file's name, and its groups. They are the packs of rules.packs without the alerts of
rules.disabled, and rules.extra. The templates in alerts are Prometheus' own: none is run here.
*/}}
{{- define "outrider.rules.files" -}}
{{- $root := . -}}
{{- $files := dict -}}
{{- $alerts := list -}}
{{- range $path, $data := .Files.Glob "files/rules/*.yaml" -}}
{{- $groups := list -}}
{{- range ($data | toString | fromYaml).groups -}}
{{- $kept := list -}}
{{- range $rule := .rules -}}
{{- $alerts = append $alerts (get $rule "alert") -}}
{{- if not (has (get $rule "alert") $root.Values.rules.disabled) -}}
{{- $kept = append $kept $rule -}}
{{- end -}}
{{- end -}}
{{- if $kept -}}
{{- $groups = append $groups (set . "rules" $kept) -}}
{{- end -}}
{{- end -}}
{{- if and $groups (has (base $path | trimSuffix ".yaml") $root.Values.rules.packs) -}}
{{- $_ := set $files (base $path) (dict "groups" $groups) -}}
{{- end -}}
{{- end -}}
{{- range .Values.rules.disabled -}}
{{- if not (has . $alerts) -}}
{{- fail (printf "rules.disabled: there is no alert %q; charts/RUNBOOK.md lists those that there are" .) -}}
{{- end -}}
{{- end -}}
{{- range $name, $groups := .Values.rules.extra -}}
{{- $_ := set $files (printf "extra-%s.yaml" $name) (dict "groups" $groups) -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}
