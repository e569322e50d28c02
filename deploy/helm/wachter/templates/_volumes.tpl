{{/* The volumes that the container mounts; a claim per replica comes from the StatefulSet itself. */}}
{{- define "wachter.volumes" -}}
{{- include "wachter.check" . -}}
- name: wachter-settings
  projected:
    sources:
      - configMap:
          name: {{ include "wachter.settingsName" . | quote }}
          items:
            - {key: wachter.yaml, path: wachter.yaml}
      {{- range .Values.files.configMaps }}
      - configMap:
          name: {{ . | quote }}
      {{- end }}
      {{- range .Values.files.secrets }}
      - secret:
          name: {{ . | quote }}
      {{- end }}
{{- $kind := include "wachter.stateKind" . }}
{{- if eq $kind "existing" }}
- name: wachter-state
  persistentVolumeClaim:
    claimName: {{ .Values.state.existingClaim | quote }}
{{- else if eq $kind "ephemeral" }}
- name: wachter-state
  emptyDir:
    sizeLimit: {{ .Values.state.size | quote }}
{{- end }}
{{- if .Values.existingSecret }}
- name: wachter-secrets
  secret:
    secretName: {{ .Values.existingSecret | quote }}
    defaultMode: 0440
{{- end }}
{{- if .Values.webConfig.existingSecret }}
- name: wachter-web
  secret:
    secretName: {{ .Values.webConfig.existingSecret | quote }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
