declare module 'prom-client/lib/registry.js' {
  import type { Registry } from 'prom-client'

  const PromRegistry: new () => Registry
  export default PromRegistry
}
