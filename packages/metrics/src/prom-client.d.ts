// prom-client ships types for its entry only. The entry loads all of the library, OpenTelemetry's API and the cluster
// support, which takes some 50 ms at start; the registry alone takes 2 ms. `create-metrics.test.ts` makes sure that the
// two ways give the same class, so metrics that a user makes with prom-client fit into this registry.
declare module 'prom-client/lib/registry.js' {
  export { Registry as default } from 'prom-client'
}
