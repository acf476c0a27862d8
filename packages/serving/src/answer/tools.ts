/** A function that an answer may call, in the same form for every protocol. */
export interface ToolDefinition {
  readonly name: string
  /** JSON Schema of the arguments; undefined when the request has none. */
  readonly parameters: unknown
}

/** Which functions an answer may, must or must not call. */
export type ToolChoice =
  | { readonly mode: 'none' | 'auto' | 'required' }
  | { readonly mode: 'named'; readonly name: string }
  | { readonly mode: 'allowed'; readonly required: boolean; readonly names: readonly string[] }

/** All that decides about the calls of an answer. */
export interface ToolRequest {
  readonly tools: readonly ToolDefinition[]
  readonly choice: ToolChoice
  /** False keeps only the first call. */
  readonly parallel: boolean
  /** Stands before the ten digits of a call's id, such as `chatcmpl-tool-`. */
  readonly idPrefix: string
  /** What cannot be answered when a demanded function is missing, such as `chat completion request (req id 7)`. */
  readonly subject: string
}
