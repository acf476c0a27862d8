export type { Environment, StartTimer } from '@vllm-sim/download'
export type { StrftimeNow } from './chat/template.ts'
export type { ChosenTokenizer, TokenizerChoice, TokenizerMode } from './choice.ts'
export { chooseTokenizer } from './choose.ts'
export { TokenizerError, type TokenizerErrorCode } from './errors.ts'
export { echoText, flattenChat, joinChat, messageText, messageTextWithRole } from './flatten.ts'
export { fnv1a32 } from './fnv.ts'
export type { HfTokenizer, HfTokenizerOptions } from './hf/tokenizer.ts'
export type { DownloadProgress } from './hub/download.ts'
export { loadHfTokenizer, loadRenderTokenizer } from './load.ts'
export { hasMedia, stubFeatures } from './multimodal.ts'
export type { LocalText, RenderTokenizer, RenderTokenizerOptions } from './render/tokenizer.ts'
export { SimulatedTokenizer } from './simulated.ts'
export { SlicedTokenizer } from './sliced.ts'
export { fitPieces, splitSimulated } from './split.ts'
export type {
  Cancel,
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
