export type { Origin } from './card.ts'
export { type HubSource, hubFile } from './hub.ts'
export {
  type ImportOptions,
  type ImportProgress,
  type ImportReport,
  importConversations,
  importDefaults,
} from './import.ts'
