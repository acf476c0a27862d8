export { EventStreamEditor } from './event-stream.ts'
export { JsonReader, JsonTextError, readJson } from './reader.ts'
export { type Edits, type JsonBytes, JsonText, joined, type Pieces, sizeOf } from './text.ts'
