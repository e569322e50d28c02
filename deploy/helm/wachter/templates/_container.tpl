{{/* The agent as a container, without probes: what standalone and sidecar share. */}}
{{- define "wachter.container" -}}
name: wachter
image: {{ printf "%s:%s" .Values.image.repository (default (printf "%s-slim" .Chart.AppVersion) .Values.image.tag) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args: [run, --settings, /etc/wachter/wachter.yaml, --log-json]
env:
  - name: WACHTER_LISTEN__HOST
    value: {{ .Values.listen.host | quote }}
  - name: WACHTER_LISTEN__PORT
    value: {{ .Values.listen.port | quote }}
  {{- if .Values.webConfig.existingSecret }}
  - name: WACHTER_LISTEN__WEB_CONFIG
    value: /etc/wachter-web/web-config.yml
  {{- else }}
  - name: WACHTER_LISTEN__INSECURE # whoever reaches the port may read; acting takes a port-forward
    value: "true"
  {{- end }}
  {{- if .Values.existingSecret }}
  - name: WACHTER_SECRETS_DIR
    value: /etc/wachter-secrets
  {{- end }}
  {{- if eq .Values.mode "standalone" }}
  - name: WACHTER_SOURCE__INSTANCE_ID # a restart within the session time-out causes no hand-over
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  {{- end }}
  {{- range $name, $value := .Values.environment }}
  - name: {{ $name }}
    value: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }} # as JSON: a plain 1000000 would be 1e+06
  {{- end }}
ports:
  - name: wachter
    containerPort: {{ .Values.listen.port }}
    protocol: TCP
resources:
  {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
volumeMounts:
  - name: wachter-settings
    mountPath: /etc/wachter
    readOnly: true
  - name: wachter-state
    mountPath: /var/lib/wachter
  {{- if .Values.existingSecret }}
  - name: wachter-secrets
    mountPath: /etc/wachter-secrets
    readOnly: true
  {{- end }}
  {{- if .Values.webConfig.existingSecret }}
  - name: wachter-web
    mountPath: /etc/wachter-web
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* One probe. Called with a dict: root, path, probe. */}}
{{- define "wachter.probe" -}}
{{- if and .root.Values.webConfig.existingSecret .root.Values.webConfig.tls }}
{{- $loopback := ternary "[::1]" "127.0.0.1" (contains ":" .root.Values.listen.host) }}
# It may ask for a certificate, which a kubelet has not: the agent is asked from inside.
exec:
  command: [python, /opt/wachter/healthcheck.py, {{ printf "https://%s:%v%s" $loopback .root.Values.listen.port .path | quote }}]
{{- else }}
httpGet:
  path: {{ .path }}
  port: wachter
{{- end }}
{{ toYaml .probe }}
{{- end -}}
