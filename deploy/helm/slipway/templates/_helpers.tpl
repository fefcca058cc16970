{{- define "slipway.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "slipway.serviceAccount" -}}
{{- default (include "slipway.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "slipway.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* What pods are selected by; `component` is server or worker. */}}
{{- define "slipway.selector" -}}
app.kubernetes.io/name: slipway
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "slipway.labels" -}}
app.kubernetes.io/name: slipway
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* What cannot be right, however well each value is written by itself. */}}
{{- define "slipway.check" -}}
{{- if gt (int .Values.server.replicas) 1 -}}
{{- if not .Values.database.existingSecret }}{{ fail "server.replicas: more than one server needs database.existingSecret" }}{{ end -}}
{{- if not .Values.secrets.existingSecret }}{{ fail "server.replicas: more than one server needs secrets.existingSecret, with one SLIPWAY_MASTER_KEY and SLIPWAY_ADMIN_TOKEN for all" }}{{ end -}}
{{- if not .Values.s3.bucket }}{{ fail "server.replicas: more than one server needs s3.bucket" }}{{ end -}}
{{- if not .Values.gitops.repositoryUrl }}{{ fail "server.replicas: more than one server needs gitops.repositoryUrl" }}{{ end -}}
{{- end -}}
{{- if and .Values.workers.enabled (not .Values.workers.existingSecret) }}{{ fail "workers.existingSecret: workers need a token of the role worker" }}{{ end -}}
{{- if and .Values.workers.enabled .Values.workers.keda.enabled (eq .Values.workers.keda.trigger "nats") (not .Values.nats.url) }}{{ fail "workers.keda.trigger: nats needs nats.url" }}{{ end -}}
{{- if and .Values.nats.url (contains "@" .Values.nats.url) }}{{ fail "nats.url: must hold no password; name a credentials file in nats.existingSecret" }}{{ end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}{{ fail "ingress.host: is needed" }}{{ end -}}
{{- if and .Values.argo.enabled (not .Values.publicUrl) (not (hasKey .Values.settings "ARGO_SERVER_URL")) (ne (include "slipway.argoNamespace" .) .Release.Namespace) }}{{ fail "publicUrl: dispatchers in another namespace need it" }}{{ end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.serviceMonitor.tokenSecret) }}{{ fail "metrics.serviceMonitor.tokenSecret: servers show their metrics to a token" }}{{ end -}}
{{- end -}}

{{- define "slipway.argoNamespace" -}}
{{- default .Release.Namespace .Values.argo.namespace -}}
{{- end -}}

{{/* Settings that servers and workers share, as JSON. */}}
{{- define "slipway.commonSettings" -}}
{{- $all := dict "HOST" "0.0.0.0" "SLIPWAY_COMPAT_PORTS" "" "SLIPWAY_EXECUTOR" "kubernetes" "SLIPWAY_STEP_IMAGE" .Values.executor.stepImage "KUBERNETES_VOLUME_CLAIM" "data-$(POD_NAME)" "KUBERNETES_VOLUME_PATH" "/data" "KUBERNETES_RUN_AS" "10001:10001" -}}
{{- if .Values.executor.memoryLimit }}{{ $_ := set $all "SLIPWAY_STEP_MEMORY_LIMIT" .Values.executor.memoryLimit }}{{ end -}}
{{- if .Values.executor.cpuLimit }}{{ $_ := set $all "SLIPWAY_STEP_CPU_LIMIT" .Values.executor.cpuLimit }}{{ end -}}
{{- if .Values.executor.runtimeClass }}{{ $_ := set $all "KUBERNETES_RUNTIME_CLASS" .Values.executor.runtimeClass }}{{ end -}}
{{- if not .Values.executor.sharedVolume }}{{ $_ := set $all "KUBERNETES_NODE_SELECTOR" "kubernetes.io/hostname=$(NODE_NAME)" }}{{ end -}}
{{- if .Values.config }}{{ $_ := set $all "SLIPWAY_CONFIG" "/etc/slipway/slipway.yaml" }}{{ end -}}
{{- with .Values.tracing.endpoint }}{{ $_ := set $all "OTEL_EXPORTER_OTLP_ENDPOINT" . }}{{ end -}}
{{- if .Values.nats.url -}}
{{- $_ := set $all "NATS_URL" .Values.nats.url -}}
{{- if .Values.nats.prefix }}{{ $_ := set $all "NATS_PREFIX" .Values.nats.prefix }}{{ end -}}
{{- if .Values.nats.existingSecret }}{{ $_ := set $all "NATS_CREDENTIALS" "/run/nats/user.creds" }}{{ end -}}
{{- end -}}
{{- toJson (merge (dict) .Values.settings $all) -}}
{{- end -}}

{{- define "slipway.serverSettings" -}}
{{- $all := include "slipway.commonSettings" . | fromJson -}}
{{- $own := dict "PORT" "3000" "SLIPWAY_DATA_DIR" "/data/server" "SLIPWAY_INTERNAL_URL" (printf "http://$(POD_NAME).%s-servers:3000" (include "slipway.fullname" .)) -}}
{{- if .Values.publicUrl }}{{ $_ := set $own "SLIPWAY_PUBLIC_URL" .Values.publicUrl }}{{ end -}}
{{- if .Values.ingress.enabled }}{{ $_ := set $own "SLIPWAY_TRUST_PROXY" "loopback,linklocal,uniquelocal" }}{{ end -}}
{{- if .Values.nats.url }}{{ $_ := set $own "NATS_REPLICAS" .Values.nats.replicas }}{{ end -}}
{{- if .Values.s3.bucket -}}
{{- $_ := set $own "S3_BUCKET" .Values.s3.bucket -}}
{{- $_ := set $own "S3_REGION" .Values.s3.region -}}
{{- if .Values.s3.endpoint }}{{ $_ := set $own "S3_ENDPOINT" .Values.s3.endpoint }}{{ end -}}
{{- if .Values.s3.publicEndpoint }}{{ $_ := set $own "S3_PUBLIC_ENDPOINT" .Values.s3.publicEndpoint }}{{ end -}}
{{- end -}}
{{- if .Values.oidc.issuer -}}
{{- $_ := set $own "OIDC_ISSUER" .Values.oidc.issuer -}}
{{- $_ := set $own "OIDC_AUDIENCE" .Values.oidc.audience -}}
{{- $_ := set $own "OIDC_CLIENT_ID" .Values.oidc.clientId -}}
{{- $_ := set $own "OIDC_CLI_CLIENT_ID" .Values.oidc.cliClientId -}}
{{- end -}}
{{- if .Values.gitops.repositoryUrl -}}
{{- $_ := set $own "GITOPS_REPOSITORY_URL" .Values.gitops.repositoryUrl -}}
{{- $_ := set $own "GITOPS_BRANCH" .Values.gitops.branch -}}
{{- if .Values.gitops.credential }}{{ $_ := set $own "GITOPS_CREDENTIAL" .Values.gitops.credential }}{{ end -}}
{{- end -}}
{{- if .Values.argo.enabled -}}
{{- $_ := set $own "SLIPWAY_ORCHESTRATOR" "argo" -}}
{{- $_ := set $own "ARGO_NAMESPACE" (include "slipway.argoNamespace" .) -}}
{{- $_ := set $own "ARGO_DISPATCHER_IMAGE" (include "slipway.image" .) -}}
{{- $_ := set $own "ARGO_TOKEN_SECRET" .Values.argo.tokenSecret -}}
{{- if not .Values.publicUrl }}{{ $_ := set $own "ARGO_SERVER_URL" (printf "http://%s:%d" (include "slipway.fullname" .) (int .Values.server.service.port)) }}{{ end -}}
{{- end -}}
{{- if not (kindIs "invalid" .Values.server.types) -}}
{{- $_ := set $own "SLIPWAY_WORKER_TYPES" (join "," .Values.server.types) -}}
{{- else if .Values.workers.enabled -}}
{{- $_ := set $own "SLIPWAY_WORKER_TYPES" "release,deployment" -}}
{{- end -}}
{{- toJson (merge (dict) .Values.server.settings .Values.settings $own $all) -}}
{{- end -}}

{{- define "slipway.workerSettings" -}}
{{- $all := include "slipway.commonSettings" . | fromJson -}}
{{- $own := dict "SLIPWAY_DATA_DIR" "/data/worker" "SLIPWAY_SERVER_URL" (printf "http://%s:%d" (include "slipway.fullname" .) (int .Values.server.service.port)) "SLIPWAY_WORKER_TOKEN_FILE" "/run/slipway/token" "SLIPWAY_WORKER_TYPES" (join "," .Values.workers.types) "SLIPWAY_WORKER_CAPACITY" .Values.workers.capacity "SLIPWAY_WORKER_PORT" "9464" "SLIPWAY_DRAIN_TIMEOUT" (printf "%dm" (int .Values.workers.drainMinutes)) -}}
{{- toJson (merge (dict) .Values.workers.settings .Values.settings $own $all) -}}
{{- end -}}

{{/* Environment variables of these settings; those that others refer to come first. */}}
{{- define "slipway.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ toString $value | quote }}
{{- end }}
{{- end -}}

{{/* Environment variables of servers that are in Secrets. */}}
{{- define "slipway.secretEnv" -}}
{{- if .Values.database.existingSecret }}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.existingSecret }}
      key: {{ .Values.database.key }}
{{- end }}
{{- if and .Values.s3.bucket .Values.s3.existingSecret }}
{{- range $name := list "S3_ACCESS_KEY_ID" "S3_SECRET_ACCESS_KEY" }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.s3.existingSecret }}
      key: {{ $name }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "slipway.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "slipway.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What pods of servers and workers have alike; `pod` are the values of that kind. */}}
{{- define "slipway.podCommon" -}}
serviceAccountName: {{ include "slipway.serviceAccount" .root }}
# The variables that Kubernetes makes of a Service named slipway begin with SLIPWAY_, and would be taken for settings.
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- include "slipway.podSecurity" . | nindent 2 }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "slipway.selector" . | nindent 8 }}
{{- with .pod.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "slipway.claim" -}}
- metadata:
    name: data
  spec:
    accessModes: [{{ ternary "ReadWriteMany" "ReadWriteOnce" .root.Values.executor.sharedVolume }}]
    {{- with .pod.persistence.storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .pod.persistence.size }}
{{- end -}}
