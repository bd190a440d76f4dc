{{/*
The Lease by which one replica leads. Not the controller's own name: releases of chart 0.1.0 have a Lease of that name,
which their controller made, and Helm does not take over what it has not made.
*/}}
{{- define "outrider.controller.lease" -}}
{{ include "outrider.fullname" . }}-leader
{{- end -}}
