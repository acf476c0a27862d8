import { engineRows } from './engine.ts'
import { kvTransferRows } from './kv-transfer.ts'
import type { MetricRow } from './row.ts'
import { httpRows, processRows } from './server.ts'

/** Every metric family that can appear, by the key under which the code moves it. */
export const metricTable = { ...engineRows, ...kvTransferRows, ...httpRows, ...processRows }

/** Key of a row. */
export type MetricKey = keyof typeof metricTable

/** The rows with their keys, typed for code that treats all alike. */
export const metricRows = Object.entries(metricTable) as readonly (readonly [MetricKey, MetricRow])[]
