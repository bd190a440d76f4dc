{{/*
Questions to Prometheus, each of which has an answer only if something is wrong. A fresh release has not scraped
everything yet: what is wrong may pass within two minutes.
*/}}
{{- define "outrider.test.script" -}}
{{- $jobs := list "outrider-controller" -}}
{{- if include "outrider.webhook.on" .root }}{{ $jobs = append $jobs "outrider-webhook" }}{{ end -}}
{{- $jobs = append $jobs "prometheus" -}}
{{- range include "outrider.thanos.jobs" .root | fromYamlArray }}{{ $jobs = append $jobs .job }}{{ end -}}
{{- if include "outrider.alertmanager.enabled" .root }}{{ $jobs = append $jobs "alertmanager" }}{{ end -}}
{{- if include "outrider.kubeStateMetrics.enabled" .root }}{{ $jobs = append $jobs "kube-state-metrics" }}{{ end -}}
{{- if include "outrider.nodeExporter.enabled" .root }}{{ $jobs = append $jobs "node-exporter" }}{{ end -}}
flags=
{{- with .client }}
cat >/tmp/http.yaml <<'END'
{{ . }}
END
flags=--http.config.file=/tmp/http.yaml
{{- end }}
# check SENTENCE QUERY: 0 if the query has no answer
check() {
  answer=$(promtool query instant $flags {{ .url }} "$2" 2>&1) || { wrong="Prometheus at {{ .url }} does not answer: $answer"; return 1; }
  test -z "$answer" || { wrong="$1
$answer"; return 1; }
}
checks() {
  for job in {{ join " " $jobs }}; do
    check "No target of job $job is up." "absent(up{job=\"$job\"} == 1)" || return 1
  done
  check "Targets of the release itself are down:" 'up{job=~"{{ join "|" $jobs }}"} == 0' || return 1
  check "Pods have exporters, and none of these is up:" 'up{container=~"outrider-.+"} unless on () count(up{container=~"outrider-.+"} == 1)' || return 1
  check "Exporters are up, and none of these has a metric:" 'scrape_samples_scraped{container=~"outrider-.+"} unless on () count(scrape_samples_scraped{container=~"outrider-.+"} > 0)' || return 1
}
tries=${TRIES:-24}
until checks; do
  tries=$((tries - 1))
  test "$tries" -gt 0 || { echo "$wrong"; exit 1; }
  sleep 5
done
echo "Every component is scraped, and so are the exporters that there are."
{{- end -}}
