{{/* The name of everything in this release. */}}
{{- define "wachter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change, and select the standalone pods. */}}
{{- define "wachter.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "wachter.labels" -}}
{{ include "wachter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The service account of the standalone pods. */}}
{{- define "wachter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "wachter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The ConfigMap that holds wachter.yaml. */}}
{{- define "wachter.settingsName" -}}
{{- default (include "wachter.fullname" .) .Values.existingSettings -}}
{{- end -}}

{{/* Where the state lives: claim, existing, ephemeral or pod. */}}
{{- define "wachter.stateKind" -}}
{{- $kind := default (ternary "claim" "ephemeral" (eq .Values.mode "standalone")) .Values.state.kind -}}
{{- if and (eq $kind "claim") (eq .Values.mode "sidecar") -}}
{{- fail "state.kind: claim is for standalone; as a sidecar choose pod (a claim template of your StatefulSet named wachter-state), existing or ephemeral." -}}
{{- end -}}
{{- if and (eq $kind "pod") (eq .Values.mode "standalone") -}}
{{- fail "state.kind: pod is for a sidecar; standalone choose claim, existing or ephemeral." -}}
{{- end -}}
{{- if and (eq $kind "existing") (not .Values.state.existingClaim) -}}
{{- fail "state.kind: existing needs the name of a claim in state.existingClaim." -}}
{{- end -}}
{{- if and (eq $kind "existing") (eq .Values.mode "standalone") (gt (int .Values.replicas) 1) -}}
{{- fail "state.kind: existing holds one state, and each of several replicas needs its own: use claim." -}}
{{- end -}}
{{- $kind -}}
{{- end -}}

{{/* Mistakes that a schema cannot say. */}}
{{- define "wachter.check" -}}
{{- if not (or .Values.settings .Values.existingSettings) -}}
{{- fail "nothing is watched: give settings (docs/settings.md), or the name of a ConfigMap with wachter.yaml in existingSettings." -}}
{{- end -}}
{{- if and .Values.settings .Values.existingSettings -}}
{{- fail "settings and existingSettings exclude each other." -}}
{{- end -}}
{{- if and .Values.monitor.enabled (eq .Values.mode "sidecar") (ne .Values.monitor.kind "PodMonitor") -}}
{{- fail "a sidecar has no service: set monitor.kind to PodMonitor and monitor.podSelector to the labels of the model's pods." -}}
{{- end -}}
{{- if and .Values.monitor.enabled (eq .Values.mode "sidecar") (not .Values.monitor.podSelector) -}}
{{- fail "monitor.podSelector must name the labels of the model's pods." -}}
{{- end -}}
{{- end -}}
