{{/* The proxy in front of a decode server, as a native sidecar: it starts first and ends last. */}}
{{- define "vllm-sim.sidecar" -}}
{{- $values := .Values }}
- name: routing-sidecar
  image: "{{ $values.sidecar.image.repository }}:{{ $values.sidecar.image.tag | default .Chart.AppVersion }}"
  imagePullPolicy: {{ $values.sidecar.image.pullPolicy }}
  restartPolicy: Always
  args:
    - --port={{ include "vllm-sim.port" . }}
    - --model-server-port={{ include "vllm-sim.decodePort" . }}
    - --kv-connector={{ $values.sidecar.kvConnector }}
    {{- with $values.sidecar.ecConnector }}
    - --ec-connector={{ . }}
    {{- end }}
    {{- if gt (int $values.ranks) 1 }}
    - --data-parallel-size={{ $values.ranks }}
    {{- end }}
    {{- if $values.tls.enabled }}
    - --cert-path=/tls
    - --enable-tls=prefiller,decoder,encoder
    # The certificate is for the names of services, and pods are reached by their addresses.
    - --tls-insecure-skip-verify=prefiller,decoder,encoder
    {{- else }}
    - --secure-serving=false
    {{- end }}
    {{- range $values.sidecar.extraArgs }}
    - {{ . | quote }}
    {{- end }}
  env:
    - name: POD_IP
      valueFrom:
        fieldRef:
          fieldPath: status.podIP
  ports:
    {{- range $rank := until (int $values.ranks) }}
    - name: {{ include "vllm-sim.portname" $rank }}
      containerPort: {{ add (include "vllm-sim.port" $) $rank }}
    {{- end }}
  resources:
    {{- toYaml $values.sidecar.resources | nindent 4 }}
  securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities:
      drop:
        - ALL
  {{- if $values.tls.enabled }}
  volumeMounts:
    - name: tls
      mountPath: /tls
      readOnly: true
  {{- end }}
{{- end }}
