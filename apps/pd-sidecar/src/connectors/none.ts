import type { ConnectorFactory } from './connector.ts'

/** No connector: the decoder does it all, and what a request says of prefillers is dropped. */
export const none: ConnectorFactory = () => ({
  name: 'none',
  pulls: false,
  serve: ({ call, body }) => call.decode([body.bytes], { untouched: true }),
})
