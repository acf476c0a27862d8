import { group, int, option, pair, text } from '@vllm-sim/config'

/** Options of the gRPC service, and those that it is the only one to show. */
export const grpc = group('gRPC', {
  grpc: option(pair, {
    default: false,
    help: 'Load and warm up gRPC at start; otherwise the first gRPC connection loads it',
  }),
  'grpc-plaintext': option(pair, {
    default: false,
    help: 'Serve gRPC in clear text too on a port that speaks TLS',
  }),
  'grpc-max-message-size-mb': option(int, {
    default: 64,
    min: 1,
    max: 1024,
    help: 'Largest message that a gRPC client may send, in MiB',
  }),
  'kv-cache-dtype': option(text, { default: 'auto', help: 'Data type of the KV cache; GetServerInfo shows it' }),
  dtype: option(text, { default: 'auto', help: 'Data type of weights and activations; GetServerInfo shows it' }),
})
