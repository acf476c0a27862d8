/** Connectors for what encoders make of media. */
export const encodeConnectorNames = ['ec-example', 'ec-nixl'] as const

export type EncodeConnectorName = (typeof encodeConnectorNames)[number]
