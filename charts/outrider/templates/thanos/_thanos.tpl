{{/* Not empty where Thanos answers for this release's Prometheus. */}}
{{- define "outrider.thanos.on" -}}
{{- if and .Values.thanos.enabled (eq .Values.discovery.mode "bundled") (eq .Values.prometheus.mode "server") }}true{{ end -}}
{{- end -}}

{{/* Not empty where samples are kept in object storage. */}}
{{- define "outrider.thanos.stores" -}}
{{- if and (include "outrider.thanos.on" .) .Values.thanos.objectStorageSecret }}true{{ end -}}
{{- end -}}

{{- define "outrider.thanos.compacts" -}}
{{- if and (include "outrider.thanos.stores" .) .Values.thanos.compactor.enabled }}true{{ end -}}
{{- end -}}

{{/* Not empty where rules are evaluated over all shards by the ruler, because no Prometheus has all series. */}}
{{- define "outrider.thanos.rules" -}}
{{- if and (include "outrider.thanos.on" .) (gt (int .Values.prometheus.shards) 1) }}true{{ end -}}
{{- end -}}

{{/*
A part of Thanos as a component: a dict of root, name and values. What the block thanos has of common is for all parts, and a
part's own keys replace it. Only query has a web configuration, and it is Prometheus': what needs a login there needs one here.
*/}}
{{- define "outrider.thanos.component" -}}
{{- $thanos := .root.Values.thanos -}}
{{- $values := dict "image" $thanos.image "secrets" list "web" (dict "configSecret" "" "scheme" "http" "user" "") -}}
{{- if eq .part "query" }}{{ $_ := set $values "web" .root.Values.prometheus.web }}{{ end -}}
{{- range $key, $_ := .root.Values.common -}}
{{- if hasKey $thanos $key }}{{ $_ := set $values $key (get $thanos $key) }}{{ end -}}
{{- end -}}
{{- range $key, $value := get $thanos .part -}}
{{- $base := get $values $key -}}
{{- if and (kindIs "map" $base) (kindIs "map" $value) -}}
{{- $value = include "outrider.override" (dict "base" $base "with" $value) | fromYaml -}}
{{- end -}}
{{- $_ := set $values $key $value -}}
{{- end -}}
{{- dict "name" (printf "thanos-%s" .part) "values" $values "port" 9090 | toYaml -}}
{{- end -}}

{{/* The component that answers queries about this release, as a dict of name, values and port: query, or else Prometheus. */}}
{{- define "outrider.answering" -}}
{{- if include "outrider.thanos.on" . -}}
{{ include "outrider.thanos.component" (dict "root" . "part" "query") }}
{{- else -}}
{{ dict "name" "prometheus" "values" .Values.prometheus "port" 9090 | toYaml }}
{{- end -}}
{{- end -}}

{{/*
Where a querier finds the stores, as a file of Thanos. Of several shards each Prometheus is named, and strict: an answer without
one of them says that it is partial. One shard has nothing that its copies lack. The Service of the store gateway refuses
connections where no copy is ready, so that this is said, too. More takes further endpoints, such as other clusters'.
*/}}
{{- define "outrider.thanos.endpoints" -}}
{{- $ns := include "outrider.namespace" .root -}}
{{- $prometheus := include "outrider.name" (dict "root" .root "name" "prometheus") -}}
{{- $endpoints := list -}}
{{- if include "outrider.thanos.rules" .root -}}
{{- range $ordinal := until (int (mul (int .root.Values.prometheus.shards) (int .root.Values.prometheus.replicas))) -}}
{{- $endpoints = append $endpoints (dict "address" (printf "%s-%d.%s-headless.%s.svc:10901" $prometheus $ordinal $prometheus $ns) "strict" true) -}}
{{- end -}}
{{- $endpoints = append $endpoints (dict "address" (printf "dnssrv+_grpc._tcp.%s-headless.%s.svc" (include "outrider.name" (dict "root" .root "name" "thanos-ruler")) $ns)) -}}
{{- else -}}
{{- $endpoints = append $endpoints (dict "address" (printf "dnssrv+_grpc._tcp.%s-headless.%s.svc" $prometheus $ns)) -}}
{{- end -}}
{{- if include "outrider.thanos.stores" .root -}}
{{- $endpoints = append $endpoints (dict "address" (printf "%s.%s.svc:10901" (include "outrider.name" (dict "root" .root "name" "thanos-store")) $ns) "strict" true) -}}
{{- end -}}
{{- range .more }}{{ $endpoints = append $endpoints (dict "address" . "strict" true) }}{{ end -}}
{{- $config := dict "endpoints" $endpoints -}}
{{- if include "outrider.thanos.tlsSecret" .root -}}
{{- $folder := "/etc/thanos-tls" -}}
{{- $_ := set $config "default_client_config" (dict "server_name" (include "outrider.thanos.tlsName" .root) "tls_config" (dict "enabled" true "cert_file" (printf "%s/tls.crt" $folder) "key_file" (printf "%s/tls.key" $folder) "ca_file" (printf "%s/ca.crt" $folder))) -}}
{{- end -}}
{{- toJson $config -}}
{{- end -}}

{{/* Where users reach query, for the links in alerts. */}}
{{- define "outrider.thanos.queryURL" -}}
{{- $ingress := .Values.thanos.query.ingress -}}
{{- if $ingress.host -}}
{{ ternary "https" "http" (ne $ingress.tlsSecret "") }}://{{ $ingress.host }}
{{- else -}}
{{ include "outrider.webURL" (merge (dict "root" .) (include "outrider.answering" . | fromYaml)) }}
{{- end -}}
{{- end -}}

{{/* The flags of a querier. */}}
{{- define "outrider.thanos.querierArgs" -}}
- {{ printf "--endpoint.sd-config=%s" (include "outrider.thanos.endpoints" .) | quote }}
- --query.replica-label={{ .root.Values.prometheus.replicaLabel }}
- --store.response-timeout=10s
{{- end -}}

{{/* The Secret with the certificate by which Thanos' parts know each other; empty for none. */}}
{{- define "outrider.thanos.tlsSecret" -}}
{{- if .Values.thanos.tlsSecret -}}
{{ .Values.thanos.tlsSecret }}
{{- else if eq .Values.certs.mode "cert-manager" -}}
{{ include "outrider.fullname" . }}-thanos-cert
{{- end -}}
{{- end -}}

{{/* The name in that certificate: all parts have the same one, as servers and as clients. */}}
{{- define "outrider.thanos.tlsName" -}}
{{ include "outrider.fullname" . }}-thanos.{{ include "outrider.namespace" . }}.svc
{{- end -}}

{{/* The flags of a gRPC server. Clients need a certificate of the same authority. */}}
{{- define "outrider.thanos.grpcArgs" -}}
- --grpc-address=:10901
{{- if include "outrider.thanos.tlsSecret" . }}
- --grpc-server-tls-cert=/etc/thanos-tls/tls.crt
- --grpc-server-tls-key=/etc/thanos-tls/tls.key
- --grpc-server-tls-client-ca=/etc/thanos-tls/ca.crt
{{- end }}
{{- end -}}

{{- define "outrider.thanos.bucketArgs" -}}
{{- if include "outrider.thanos.stores" . -}}
- --objstore.config-file=/etc/thanos-object-storage/objstore.yml
{{- end -}}
{{- end -}}

{{/* The Secrets of a part: a dict of root, grpc and bucket, which say what it needs. */}}
{{- define "outrider.thanos.mounts" -}}
{{- if and .grpc (include "outrider.thanos.tlsSecret" .root) }}
- name: thanos-tls
  mountPath: /etc/thanos-tls
  readOnly: true
{{- end }}
{{- if and .bucket (include "outrider.thanos.stores" .root) }}
- name: object-storage
  mountPath: /etc/thanos-object-storage
  readOnly: true
{{- end }}
{{- end -}}

{{- define "outrider.thanos.volumes" -}}
{{- if and .grpc (include "outrider.thanos.tlsSecret" .root) }}
- name: thanos-tls
  secret:
    secretName: {{ include "outrider.thanos.tlsSecret" .root | quote }}
{{- end }}
{{- if and .bucket (include "outrider.thanos.stores" .root) }}
- name: object-storage
  secret:
    secretName: {{ .root.Values.thanos.objectStorageSecret | quote }}
    items: [{key: objstore.yml, path: objstore.yml}]
{{- end }}
{{- end -}}

{{- define "outrider.thanos.ports" -}}
- name: http
  containerPort: 10902
- name: grpc
  containerPort: 10901
{{- end -}}

{{/* A Service of a part's gRPC port, which gives each copy a name where it is headless. */}}
{{- define "outrider.thanos.grpcService" -}}
apiVersion: v1
kind: Service
metadata:
  {{- set (include "outrider.metadata" . | fromYaml) "name" (printf "%s%s" (include "outrider.name" .) (ternary "-headless" "" .headless)) | toYaml | nindent 2 }}
spec:
  {{- if .headless }}
  clusterIP: None
  publishNotReadyAddresses: true
  {{- end }}
  selector:
    {{- include "outrider.selectorLabels" . | nindent 4 }}
  ports:
    - name: grpc
      port: 10901
      targetPort: grpc
{{- end -}}

{{/* The scrape jobs of Thanos' parts, as arguments of outrider.prometheus.podJob. */}}
{{- define "outrider.thanos.jobs" -}}
{{- if include "outrider.thanos.on" . -}}
{{- $jobs := list (dict "job" "outrider-thanos-sidecar" "component" "prometheus" "port" "sidecar") -}}
{{- $parts := list "query" -}}
{{- if include "outrider.thanos.stores" . }}{{ $parts = append $parts "store" }}{{ end -}}
{{- if include "outrider.thanos.compacts" . }}{{ $parts = append $parts "compactor" }}{{ end -}}
{{- if include "outrider.thanos.rules" . }}{{ $parts = append $parts "ruler" }}{{ end -}}
{{- range $parts -}}
{{- $c := include "outrider.thanos.component" (dict "root" $ "part" .) | fromYaml -}}
{{- $jobs = append $jobs (dict "job" (printf "outrider-%s" $c.name) "component" $c.name "port" "http" "client" "prometheus" "values" $c.values) -}}
{{- end -}}
{{- toYaml $jobs -}}
{{- end -}}
{{- end -}}
