import { bool, group, int, jsonTexts, option, optional, pair, path, seconds, text, texts } from '@vllm-sim/config'

export const server = group('Server', {
  host: option(text, { default: '', defaultText: 'all IPv4 interfaces', help: 'Address to listen on' }),
  uds: option(path, {
    default: '',
    knownAs: ['unix-socket', 'socket'],
    help: 'Unix socket to listen on instead of a port',
  }),
  'root-path': option(text, { default: '', help: 'Path prefix under which a proxy serves us' }),
  'api-key': optional(texts, {
    env: 'VLLM_API_KEY',
    secret: true,
    help: 'Keys of which a request must show one, as "Authorization: Bearer KEY"',
  }),
  'protect-admin': optional(pair, {
    defaultText: 'when a key is set and the server does not listen on the loopback only',
    help: 'With --api-key: /admin, /sleep, /wake_up, /reset_*, /server_info, /fake_metrics, /tokenize and /detokenize need a key too',
  }),
  'allow-credentials': option(pair, { default: false, help: 'CORS: allow credentials' }),
  'allowed-origins': option(jsonTexts, { default: ['*'], help: 'CORS: allowed origins' }),
  'allowed-methods': option(jsonTexts, { default: ['*'], help: 'CORS: allowed methods' }),
  'allowed-headers': option(jsonTexts, { default: ['*'], help: 'CORS: allowed headers' }),
  'enable-request-id-headers': option(pair, {
    default: false,
    shown: true,
    help: 'Read and echo X-Request-Id',
  }),
  'debug-headers': option(pair, {
    default: false,
    help: 'Say in x-kv-transfer whether the prompt’s KV blocks came from another instance',
  }),
  'enable-server-load-tracking': option(pair, { default: false, help: 'Count the requests in flight for GET /load' }),
  'disable-fastapi-docs': option(pair, { default: false, help: 'No /docs, /redoc and /openapi.json' }),
  'enable-sleep-mode': option(pair, {
    default: false,
    shown: true,
    help: 'Allow /sleep; also needs VLLM_SERVER_DEV_MODE=1',
  }),
  'write-timeout': option(seconds, {
    default: 60e9,
    min: 1e9,
    max: 86_400e9,
    error: 'write-timeout must be between 1 second and 24 hours',
    help: 'How long a client may take nothing of its answer before its connection is closed and its slot is free',
  }),
  'shutdown-timeout': option(seconds, {
    default: 30e9,
    min: 0,
    error: 'shutdown-timeout cannot be negative',
    help: 'How long running requests may take after SIGTERM; 0 ends them at once',
  }),
})

export const tls = group('TLS', {
  'ssl-certfile': option(path, {
    default: '',
    shown: true,
    help: 'Certificate chain, PEM; read again when it changes',
  }),
  'ssl-keyfile': option(path, { default: '', shown: true, help: 'Private key, PEM' }),
  'self-signed-certs': option(bool, { default: false, shown: true, help: 'Make a certificate at start' }),
  'ssl-ca-certs': option(path, {
    default: '',
    help: 'Certificates of the authorities that client certificates come from, PEM',
  }),
  'ssl-cert-reqs': option(int, {
    default: 0,
    oneOf: [0, 1, 2],
    help: 'Client certificates: 0 not asked for, 1 optional, 2 required',
  }),
  'ssl-ciphers': option(text, { default: '', help: 'TLS 1.2 cipher suites, in OpenSSL’s notation' }),
  'enable-ssl-refresh': option(pair, {
    default: false,
    help: 'Read certificates again when they change; this is always done',
  }),
})
