{{/* What the schema can't say. Each message names the value to set. */}}
{{- define "msi-actions.checks" -}}
{{- if and (include "msi-actions.sqlite" .) (gt (int .Values.replicas) 1) -}}
{{- fail "replicas: more than one replica needs PostgreSQL; set database.existingSecret or database.url, or replicas to 1" -}}
{{- end -}}
{{- if not (or .Values.masterKey.existingSecret .Values.masterKey.value) -}}
{{- fail "masterKey: a master key is required; print one with `msi-actions keys generate`, put it into a Secret and name that in masterKey.existingSecret (or set masterKey.value)" -}}
{{- end -}}
{{- if and .Values.masterKey.existingSecret (or .Values.masterKey.value .Values.masterKey.oldValues) -}}
{{- fail "masterKey: set either masterKey.existingSecret or masterKey.value and masterKey.oldValues, not both" -}}
{{- end -}}
{{- if and .Values.database.existingSecret .Values.database.url -}}
{{- fail "database: set either database.existingSecret or database.url, not both" -}}
{{- end -}}
{{- if and .Values.mail.existingSecret .Values.mail.smtpUrl -}}
{{- fail "mail: set either mail.existingSecret or mail.smtpUrl, not both" -}}
{{- end -}}
{{- if and .Values.salesforce.existingSecret .Values.salesforce.clientSecret -}}
{{- fail "salesforce: set either salesforce.existingSecret or salesforce.clientSecret, not both" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.host: an ingress needs a host, for example actions.example.com" -}}
{{- end -}}
{{- if not (include "msi-actions.publicUrl" .) -}}
{{- fail "publicUrl: the address that callers and browsers use is required, for example https://actions.example.com; or enable the ingress and set ingress.host" -}}
{{- end -}}
{{- if and .Values.metrics.podMonitor.enabled (not .Values.metrics.enabled) -}}
{{- fail "metrics.podMonitor: it needs the port of its own; set metrics.enabled to true" -}}
{{- end -}}
{{- $own := list "data_dir" "server.address" "server.metrics_address" "server.public_url" "server.shutdown_timeout_seconds" "database.url" "database.max_connections" "secrets.master_key" "secrets.old_master_keys" "salesforce.client_id" "salesforce.client_secret" "mail.from" "mail.smtp_url" "log.format" "log.filter" -}}
{{- range $section, $names := .Values.settings -}}
{{- range $name, $_ := $names -}}
{{- $full := printf "%s.%s" $section $name -}}
{{- if has $full $own -}}
{{- fail (printf "settings.%s: this setting has a value of its own in this chart, or is the chart's to set" $full) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
