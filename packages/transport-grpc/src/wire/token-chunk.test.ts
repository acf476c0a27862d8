import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GenerateResponseSchema } from '../gen/vllm/grpc/engine/engine_pb.ts'
import { frame } from './frame.ts'
import { TokenChunks } from './token-chunk.ts'

const uint32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, 2_097_152, 268_435_456), fc.nat(0xffff_ffff))

test('a token is written as the generic encoder writes it', () => {
  fc.assert(
    fc.property(uint32, uint32, uint32, uint32, (id, promptTokens, cachedTokens, index) => {
      const chunks = new TokenChunks(promptTokens, cachedTokens, index)
      const bytes = new Uint8Array(chunks.size(id) + 6)
      expect(chunks.write(bytes, 3, id)).toBe(3 + chunks.size(id))
      const value = { tokenIds: [id], promptTokens, completionTokens: 1, cachedTokens, index }
      const message = create(GenerateResponseSchema, { response: { case: 'chunk', value } })
      expect(bytes.slice(3, -3)).toEqual(frame(toBinary(GenerateResponseSchema, message)))
    }),
  )
})
