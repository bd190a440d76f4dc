{{/*
Prometheus' configuration is in a ConfigMap, which more people may read than a Secret: fails where value, which the user
wrote, holds a secret in plain. where begins the message, which never has the secret itself.
*/}}
{{- define "outrider.prometheus.refuseSecrets" -}}
{{- with include "outrider.prometheus.secretIn" (dict "key" "" "value" .value) -}}
{{- $file := "/etc/prometheus-secrets/<name>/<key>" -}}
{{- $way := printf "put it into a Secret, name that in prometheus.secrets, and refer to it with %s_file: %s" . $file -}}
{{- if has . (list "headers" "http_headers") -}}
{{- $way = printf "put it into a Secret, name that in prometheus.secrets, and refer to it with http_headers: {<header>: {files: [%s]}}" $file -}}
{{- else if has . (list "proxy_url" "proxy_connect_header") -}}
{{- $way = "use a proxy that asks for no login, or put a scrape job as a whole into prometheus.extraScrapeConfigSecret" -}}
{{- else if regexMatch "^(.*url|endpoint|server|targets)$" . -}}
{{- $way = printf "take the user out of the address; put the password into a Secret, name that in prometheus.secrets, and refer to it with basic_auth: {username: <user>, password_file: %s}" $file -}}
{{- end -}}
{{- if and (hasPrefix "scrape." $.where) (not (contains "extraScrapeConfigSecret" $way)) }}{{ $way = printf "%s, or, where it takes no such key, put the job as a whole into prometheus.extraScrapeConfigSecret" $way }}{{ end -}}
{{- fail (printf "%s: %s would be readable in a ConfigMap; %s" $.where . $way) -}}
{{- end -}}
{{- end -}}

{{/*
The first key in value that holds a secret: one that Prometheus takes for one, an address with a user in it, or a header, of
which only the name of a tenant is known to be none.
*/}}
{{- define "outrider.prometheus.secretIn" -}}
{{- $secret := "^(password|credentials|bearer_token|token|client_secret|client_certificate_key|certificate_password|secret_key|key|key_passphrase|private_key|service_account_key|auth_token|application_secret|consumer_key|application_credential_secret|proxy_connect_header)$" -}}
{{- $found := list -}}
{{- if kindIs "map" .value -}}
{{- range $key, $value := .value -}}
{{- $hit := include "outrider.prometheus.secretIn" (dict "key" $key "value" $value) -}}
{{- if or (regexMatch $secret $key) (and (eq $key "headers") (include "outrider.prometheus.headerIn" $value)) -}}
{{- $hit = $key -}}
{{- else if and (eq $key "http_headers") (kindIs "map" $value) -}}
{{- range $value -}}
{{- if and (kindIs "map" .) (or (hasKey . "values") (hasKey . "secrets")) }}{{ $hit = $key }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $hit }}{{ $found = append $found $hit }}{{ end -}}
{{- end -}}
{{- else if kindIs "slice" .value -}}
{{- range .value -}}
{{- with include "outrider.prometheus.secretIn" (dict "key" $.key "value" .) }}{{ $found = append $found . }}{{ end -}}
{{- end -}}
{{- else if and (kindIs "string" .value) (regexMatch "^(.*url|endpoint|server|targets)$" .key) (regexMatch "://[^/?#]*@" .value) -}}
{{- $found = append $found .key -}}
{{- end -}}
{{- with $found }}{{ first . }}{{ end -}}
{{- end -}}

{{/* Not empty where there is a header other than the tenant's. */}}
{{- define "outrider.prometheus.headerIn" -}}
{{- if kindIs "map" . -}}
{{- range $name, $value := . -}}
{{- if ne (lower $name) "x-scope-orgid" }}{{ $name }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
