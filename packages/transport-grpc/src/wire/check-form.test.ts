import { create, toBinary } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { GenerateRequestSchema } from '../gen/vllm/grpc/engine/engine_pb.ts'
import { checkForm } from './check-form.ts'

const generate = (text: string, placeholders: number) =>
  toBinary(
    GenerateRequestSchema,
    create(GenerateRequestSchema, {
      input: { case: 'text', value: text },
      extraMmInputs: [{ mmPlaceholders: Array.from({ length: placeholders }, () => ({ offset: 1, length: 2 })) }],
    }),
  )

test('few messages inside of one pass, however long it is', () => {
  checkForm(GenerateRequestSchema, generate('a'.repeat(1_000_000), 16_000))
})

test('many are refused, on whatever level', () => {
  expect(() => checkForm(GenerateRequestSchema, generate('', 16_384))).toThrow('more than 16384 messages')
  const empties = new Uint8Array(80_000)
  for (let at = 0; at < empties.length; at += 2) empties[at] = (11 << 3) | 2
  expect(() => checkForm(GenerateRequestSchema, empties)).toThrow('more than 16384 messages')
})
