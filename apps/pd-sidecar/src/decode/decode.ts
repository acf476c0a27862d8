import { joined, type Pieces, readJson } from '@vllm-sim/json-edit'
import type { Call, DecodeOptions } from '../proxy/call.ts'
import { decodeInPieces } from './chunked.ts'

/** Decodes a body that was read: in pieces, when that is asked for, or in one. @throws Failure when nothing was sent yet */
export async function decodeEdited(call: Call, body: Pieces, options: DecodeOptions = {}): Promise<void> {
  const { decodeChunkSize } = call.sidecar.config
  // A rank that the request chose serves it in one.
  if (decodeChunkSize > 0 && call.api === 'chat_completions' && call.decoder === call.rank.decoder) {
    await decodeInPieces(call, readJson(joined(body)), options)
  } else await call.decode(body, options)
}
