export type { Origin } from './card.ts'
export { type HubSource, hubFile } from './hub.ts'
export { type ImportReport, importConversations, importDefaults } from './import.ts'
export type { ImportOptions, ImportProgress } from './options.ts'
