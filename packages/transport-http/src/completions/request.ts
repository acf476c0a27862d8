import type { CompletionWire } from '../openai/completions/wire.ts'

export { checkPrompts } from '../openai/completions/plan.ts'
export { decodeCompletion as parseCompletion } from '../openai/completions/wire.ts'
export type CompletionBody = CompletionWire
