{{/* One variable from a Secret: (list root name secret-of-the-user key-in-it key-in-ours value optional). Nothing when neither is set. */}}
{{- define "msi-actions.secretEnv" -}}
{{- $root := index . 0 -}}
{{- $existing := index . 2 -}}
{{- if or $existing (index . 5) }}
- name: {{ index . 1 }}
  valueFrom:
    secretKeyRef:
      name: {{ default (include "msi-actions.fullname" $root) $existing }}
      key: {{ ternary (index . 3) (index . 4) (ne $existing "") }}
      {{- if and $existing (index . 6) }}
      optional: true
      {{- end }}
{{- end }}
{{- end -}}

{{/* The settings of the service as environment variables: MSI_SECTION__NAME. */}}
{{- define "msi-actions.env" -}}
- name: MSI_DATA_DIR
  value: /data
- name: MSI_SERVER__ADDRESS
  value: 0.0.0.0:8080
{{- if .Values.metrics.enabled }}
- name: MSI_SERVER__METRICS_ADDRESS
  value: {{ printf "0.0.0.0:%d" (int .Values.metrics.port) | quote }}
{{- end }}
- name: MSI_SERVER__PUBLIC_URL
  value: {{ include "msi-actions.publicUrl" . | quote }}
- name: MSI_SERVER__SHUTDOWN_TIMEOUT_SECONDS
  value: {{ sub .Values.terminationGracePeriodSeconds 10 | quote }}
- name: MSI_DATABASE__MAX_CONNECTIONS
  value: {{ .Values.database.maxConnections | quote }}
- name: MSI_LOG__FORMAT
  value: {{ .Values.log.format | quote }}
- name: MSI_LOG__FILTER
  value: {{ .Values.log.filter | quote }}
{{- with .Values.salesforce.clientId }}
- name: MSI_SALESFORCE__CLIENT_ID
  value: {{ . | quote }}
{{- end }}
{{- with .Values.mail.from }}
- name: MSI_MAIL__FROM
  value: {{ . | quote }}
{{- end }}
{{- include "msi-actions.secretEnv" (list . "MSI_SECRETS__MASTER_KEY" .Values.masterKey.existingSecret .Values.masterKey.existingSecretKey "master-key" .Values.masterKey.value false) }}
{{- include "msi-actions.secretEnv" (list . "MSI_SECRETS__OLD_MASTER_KEYS" .Values.masterKey.existingSecret .Values.masterKey.existingSecretOldKeysKey "old-master-keys" .Values.masterKey.oldValues true) }}
{{- include "msi-actions.secretEnv" (list . "MSI_DATABASE__URL" .Values.database.existingSecret .Values.database.existingSecretKey "database-url" .Values.database.url false) }}
{{- include "msi-actions.secretEnv" (list . "MSI_SALESFORCE__CLIENT_SECRET" .Values.salesforce.existingSecret .Values.salesforce.existingSecretKey "salesforce-client-secret" .Values.salesforce.clientSecret false) }}
{{- include "msi-actions.secretEnv" (list . "MSI_MAIL__SMTP_URL" .Values.mail.existingSecret .Values.mail.existingSecretKey "smtp-url" .Values.mail.smtpUrl false) }}
{{- range $section, $names := .Values.settings }}
{{- range $name, $value := $names }}
- name: {{ printf "MSI_%s__%s" $section $name | upper }}
  {{- /* Not `toString`, which writes a million as 1e+06. */}}
  value: {{ kindIs "string" $value | ternary $value (toJson $value) | quote }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
