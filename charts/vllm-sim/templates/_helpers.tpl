{{/* Name of the chart, as labels carry it. */}}
{{- define "vllm-sim.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Name of the objects of a release. */}}
{{- define "vllm-sim.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Name of the objects of a role: the aggregated one has none of its own. Takes (dict "root" $ "role" ROLE). */}}
{{- define "vllm-sim.rolename" -}}
{{- $name := include "vllm-sim.fullname" .root }}
{{- if eq .role "aggregated" }}{{ $name }}{{ else }}{{ printf "%s-%s" ($name | trunc 54 | trimSuffix "-") .role }}{{ end }}
{{- end }}

{{- define "vllm-sim.selector" -}}
app.kubernetes.io/name: {{ include "vllm-sim.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- if ne .role "aggregated" }}
llm-d.ai/role: {{ .role }}
{{- end }}
{{- end }}

{{- define "vllm-sim.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "vllm-sim.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{/* The roles that are on, as a JSON array; ends the rendering when they exclude each other. */}}
{{- define "vllm-sim.roles" -}}
{{- $on := list }}
{{- range $role := list "aggregated" "prefill" "decode" "encode" }}
{{- if (index $.Values.roles $role).enabled }}{{ $on = append $on $role }}{{ end }}
{{- end }}
{{- if not $on }}{{ fail "no role is enabled: set roles.aggregated.enabled, or roles.decode.enabled with prefill or encode" }}{{ end }}
{{- range $role := without $on "aggregated" }}
{{- if has "aggregated" $on }}{{ fail (printf "roles.aggregated and roles.%s exclude each other: set roles.aggregated.enabled=false" $role) }}{{ end }}
{{- if not (has "decode" $on) }}{{ fail (printf "roles.%s needs roles.decode.enabled=true: nobody would use what it computes" $role) }}{{ end }}
{{- end }}
{{- if eq (toJson $on) "[\"decode\"]" }}{{ fail "roles.decode alone has nobody to send prompts to: enable roles.prefill or roles.encode, or use roles.aggregated" }}{{ end }}
{{- toJson $on }}
{{- end }}

{{/* The options of the server of a role, as YAML with the names of the command line. */}}
{{- define "vllm-sim.config" -}}
{{- $root := .root }}
{{- $values := $root.Values }}
{{- $options := dict }}
{{- $roleConfig := dict }}
{{- if ne .role "aggregated" }}{{ $roleConfig = (index $values.roles .role).config }}{{ end }}
{{- range $given := list $values.config $roleConfig }}
{{- range $key, $value := $given }}
{{- $name := kebabcase $key }}
{{- if not (kindIs "invalid" $value) }}
{{- $_ := set $options $name $value }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq .role "decode" }}{{ $_ := set $options "port" (include "vllm-sim.decodePort" $root | int) }}{{ end }}
{{- if eq .role "encode" }}{{ $_ := set $options "mm-encoder-only" true }}{{ end }}
{{- if gt (int $values.ranks) 1 }}{{ $_ := set $options "data-parallel-size" (int $values.ranks) }}{{ end }}
{{- if $values.kvEvents.enabled }}
{{- $_ := set $options "enable-kvcache" true }}
{{- $endpoint := $values.kvEvents.endpoint }}
{{- if not $endpoint }}
{{- if not $values.kvEvents.listener }}{{ fail "kvEvents.enabled needs kvEvents.endpoint, or kvEvents.listener=true" }}{{ end }}
{{- $endpoint = printf "tcp://%s-listener:5557" (include "vllm-sim.fullname" $root) }}
{{- end }}
{{- $_ := set $options "zmq-endpoint" $endpoint }}
{{- end }}
{{- if $values.tls.enabled }}
{{- if not $values.tls.secretName }}{{ fail "tls.enabled needs tls.secretName, a Secret of type kubernetes.io/tls" }}{{ end }}
{{- $_ := set $options "ssl-certfile" "/tls/tls.crt" }}
{{- $_ := set $options "ssl-keyfile" "/tls/tls.key" }}
{{- end }}
{{- with $values.lora.modules }}
{{- $modules := list }}
{{- range . }}
{{- $module := dict "name" .name "path" .path }}
{{- with .baseModelName }}{{ $_ := set $module "base_model_name" . }}{{ end }}
{{- $modules = append $modules $module }}
{{- end }}
{{- $_ := set $options "lora-modules" $modules }}
{{- end }}
{{- with $values.lora.maxLoras }}{{ $_ := set $options "max-loras" (int .) }}{{ end }}
{{- with $values.lora.maxCpuLoras }}{{ $_ := set $options "max-cpu-loras" (int .) }}{{ end }}
{{- if $values.vllmRender.enabled }}{{ $_ := set $options "render-url" (printf "http://localhost:%d" (int $values.vllmRender.port)) }}{{ end }}
{{- toYaml $options }}
{{- end }}

{{/* The port that clients reach. */}}
{{- define "vllm-sim.port" -}}
{{- $port := int .Values.config.port }}
{{- if gt (add $port (int .Values.ranks) -1) 65535 }}{{ fail (printf "ranks=%d from port %d on need ports above 65535" (int .Values.ranks) $port) }}{{ end }}
{{- $port }}
{{- end }}

{{/* The port of the server behind a sidecar. */}}
{{- define "vllm-sim.decodePort" -}}
{{- add (include "vllm-sim.port" . | int) 200 }}
{{- end }}

{{/* Name of the port of rank .rank: the first is "http" to be found by services of one port. */}}
{{- define "vllm-sim.portname" -}}
{{- if eq (int .) 0 }}http{{ else }}{{ printf "rank-%d" (int .) }}{{ end }}
{{- end }}
