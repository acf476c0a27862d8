/** Connectors for the KV cache. */
export const connectorNames = ['nixlv2', 'shared-storage', 'sglang', 'mooncake', 'offloading', 'none'] as const

export type ConnectorName = (typeof connectorNames)[number]
