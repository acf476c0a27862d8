export { TokenizerError, type TokenizerErrorCode } from './errors.ts'
export { echoText, flattenChat, joinChat, messageText, messageTextWithRole } from './flatten.ts'
export { fnv1a32 } from './fnv.ts'
export { HfTokenizer, type HfTokenizerOptions } from './hf/tokenizer.ts'
export { hasMedia, stubFeatures } from './multimodal.ts'
export { SimulatedTokenizer } from './simulated.ts'
export { fitPieces, splitSimulated } from './split.ts'
export type {
  ChatMessage,
  ChatRender,
  ChatToolCall,
  ContentFormat,
  ContentPart,
  DecodeOptions,
  EncodeOptions,
  Encoding,
  IncrementalDetokenizer,
  MultimodalFeatures,
  PlaceholderRange,
  PromptEncoding,
  Tokenizer,
} from './types.ts'
