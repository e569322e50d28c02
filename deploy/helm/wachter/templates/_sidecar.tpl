{{/*
A native sidecar for the pod of a model. Your chart depends on this one with `mode: sidecar`, and its pod template says

    initContainers:
      {{- include "wachter.sidecar" .Subcharts.wachter | nindent 6 }}
    volumes:
      {{- include "wachter.sidecar.volumes" .Subcharts.wachter | nindent 6 }}

It starts before the model and stops after it. It has no startup probe, and a readiness probe only where asked for: both
would let a trouble of the watcher keep the model from serving.
*/}}
{{- define "wachter.sidecar" -}}
{{- if ne .Values.mode "sidecar" -}}
{{- fail "wachter.sidecar is included, but mode is standalone: set mode: sidecar, or two agents run." -}}
{{- end -}}
- restartPolicy: Always
  {{- include "wachter.container" . | nindent 2 }}
  livenessProbe:
    {{- include "wachter.probe" (dict "root" . "path" "/-/healthy" "probe" (merge (dict "initialDelaySeconds" 30) .Values.probes.liveness)) | trim | nindent 4 }}
  {{- if .Values.sidecar.gatesReadiness }}
  readinessProbe:
    {{- include "wachter.probe" (dict "root" . "path" "/-/ready" "probe" .Values.probes.readiness) | trim | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "wachter.sidecar.volumes" -}}
{{- include "wachter.volumes" . -}}
{{- end -}}
