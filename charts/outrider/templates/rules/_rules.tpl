{{/*
The files of rules, as YAML: a file's name, and its groups. They are the packs of rules.packs, and of rules.mixinNames, without the alerts of
rules.disabled, and rules.extra. The templates in alerts are Prometheus' own: none is run here.
*/}}
{{- define "outrider.rules.files" -}}
{{- $root := . -}}
{{- $files := dict -}}
{{- $alerts := list -}}
{{- $packs := .Values.rules.packs -}}
{{- if .Values.rules.mixinNames }}{{ $packs = append $packs "mixin" }}{{ end -}}
{{- range $path, $data := .Files.Glob "files/rules/*.yaml" -}}
{{- $groups := list -}}
{{- range ($data | toString | fromYaml).groups -}}
{{- $kept := list -}}
{{- range $rule := .rules -}}
{{- $alerts = append $alerts (get $rule "alert") -}}
{{- if not (has (get $rule "alert") $root.Values.rules.disabled) -}}
{{- if $rule.alert }}{{ include "outrider.rules.override" (dict "rule" $rule "values" $root.Values.rules) }}{{ end -}}
{{- $kept = append $kept $rule -}}
{{- end -}}
{{- end -}}
{{- if $kept -}}
{{- $groups = append $groups (set . "rules" $kept) -}}
{{- end -}}
{{- end -}}
{{- if and $groups (has (base $path | trimSuffix ".yaml") $packs) -}}
{{- $_ := set $files (base $path) (dict "groups" $groups) -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.rules.overrides -}}
{{- if not (has $name $alerts) -}}
{{- fail (printf "rules.overrides: there is no alert %q; charts/RUNBOOK.md lists those that there are" $name) -}}
{{- end -}}
{{- end -}}
{{- range .Values.rules.disabled -}}
{{- if not (has . $alerts) -}}
{{- fail (printf "rules.disabled: there is no alert %q; charts/RUNBOOK.md lists those that there are" .) -}}
{{- end -}}
{{- end -}}
{{- range $name, $groups := .Values.rules.extra -}}
{{- $seen := list -}}
{{- range $groups -}}
{{- if has .name $seen }}{{ fail (printf "rules.extra.%s has two groups %q, and Prometheus would load neither; choose another name" $name .name) }}{{ end -}}
{{- $seen = append $seen .name -}}
{{- end -}}
{{- $_ := set $files (printf "extra-%s.yaml" $name) (dict "groups" $groups) -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* What the values say of an alert: labels of all, and the fields of rules.overrides. It changes the rule. */}}
{{- define "outrider.rules.override" -}}
{{- $rule := .rule -}}
{{- $own := get .values.overrides $rule.alert | default dict -}}
{{- range $field, $key := dict "expr" "expr" "for" "for" "keepFiringFor" "keep_firing_for" -}}
{{- with get $own $field }}{{ $_ := set $rule $key . }}{{ end -}}
{{- end -}}
{{- range $field := list "labels" "annotations" -}}
{{- $all := get $rule $field | default dict -}}
{{- range $key, $value := get $.values $field }}{{ $_ := set $all $key $value }}{{ end -}}
{{- range $key, $value := get $own $field | default dict }}{{ $_ := set $all $key $value }}{{ end -}}
{{- if $all }}{{ $_ := set $rule $field $all }}{{ end -}}
{{- end -}}
{{- end -}}
