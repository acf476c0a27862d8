import {
  countVariable,
  type Environment,
  flagVariable,
  readVariables,
  textVariable,
  type VariableFields,
} from '@vllm-sim/config'

/** Variables that become fields of `Config`, by field name. Those of single options stand in the option table. */
export const environmentTable = {
  podIp: textVariable('POD_IP', 'Address in the topic of KV events; needed with --enable-kvcache'),
  nixlHost: textVariable(
    'VLLM_NIXL_SIDE_CHANNEL_HOST',
    'Address of the side channel for KV blocks; POD_IP, else localhost, without it',
  ),
  nixlPort: countVariable(
    'VLLM_NIXL_SIDE_CHANNEL_PORT',
    5600,
    'Its port, 0 for any free one; data-parallel ranks count up',
  ),
  podName: textVariable('POD_NAME', 'Sent as x-inference-pod with generated responses'),
  podNamespace: textVariable('POD_NAMESPACE', 'Sent as x-inference-namespace with generated responses'),
  devMode: {
    ...flagVariable('VLLM_SERVER_DEV_MODE', 'Development endpoints, and the second key for /sleep; exactly 1'),
    parse: (text: string) => text === '1',
  },
  runtimeLoraUpdating: flagVariable(
    'VLLM_ALLOW_RUNTIME_LORA_UPDATING',
    'vLLM’s checks and texts when adapters are loaded or unloaded',
  ),
  skipModelNameValidation: flagVariable('VLLM_SKIP_MODEL_NAME_VALIDATION', 'Accept any model name in requests'),
  httpKeepAliveSeconds: countVariable('VLLM_HTTP_TIMEOUT_KEEP_ALIVE', 5, 'Seconds that an idle connection stays open'),
  logStatsIntervalSeconds: countVariable('VLLM_LOG_STATS_INTERVAL', 10, 'Seconds between lines with statistics'),
  smgPairingProtocol: textVariable('SMG_PAIRING_PROTOCOL', 'Shown by gRPC’s GetServerInfo as pairing_protocol'),
  hfHome: textVariable('HF_HOME', 'Directory of the HuggingFace cache'),
  hfEndpoint: textVariable('HF_ENDPOINT', 'Address of the HuggingFace hub'),
  hfHubOffline: flagVariable('HF_HUB_OFFLINE', 'Ask no hub'),
} as const

/** The fields that the environment gives. */
export type EnvironmentFields = VariableFields<typeof environmentTable>

/** Reads the variables. @throws ConfigError that names a variable with a bad value */
export function readEnvironment(env: Environment): EnvironmentFields {
  return readVariables(environmentTable, env)
}
