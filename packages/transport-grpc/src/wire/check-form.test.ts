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
  checkForm(GenerateRequestSchema, generate('a'.repeat(1_000_000), 16_000), 1024)
})

test('many are refused, on whatever level', () => {
  expect(() => checkForm(GenerateRequestSchema, generate('', 16_384), 1024)).toThrow('more than 16384 messages')
  const empties = new Uint8Array(80_000)
  for (let at = 0; at < empties.length; at += 2) empties[at] = (11 << 3) | 2
  expect(() => checkForm(GenerateRequestSchema, empties, 1024)).toThrow('more than 16384 messages')
})

const ids = (count: number) =>
  toBinary(
    GenerateRequestSchema,
    create(GenerateRequestSchema, {
      input: { case: 'tokenized', value: { inputIds: Array.from({ length: count }, (_, i) => i) } },
    }),
  )

test('as many ids pass as fit the context, and 131072 of them in any case', () => {
  checkForm(GenerateRequestSchema, ids(131_000), 1024)
  checkForm(GenerateRequestSchema, ids(200_000), 200_100)
  expect(() => checkForm(GenerateRequestSchema, ids(131_073), 1024)).toThrow('131072 fields and numbers')
  expect(() => checkForm(GenerateRequestSchema, ids(200_101), 200_100)).toThrow('200100 fields and numbers')
})

test('numbers of several lists, of any length, count together, and so do fields that nobody knows', () => {
  const lists = Uint8Array.from([(4 << 3) | 2, 132, 128, 4, (11 << 3) | 2, 128, 128, 4, ...new Uint8Array(65_536)])
  checkForm(GenerateRequestSchema, lists, 1024)
  expect(() => checkForm(GenerateRequestSchema, Buffer.concat([lists, lists]), 1024)).toThrow('131072 fields')
  const unknown = new Uint8Array(2 * 131_073).map((_, at) => (at % 2 === 0 ? 15 << 3 : 0))
  expect(() => checkForm(GenerateRequestSchema, unknown, 1024)).toThrow('131072 fields')
  const endless = Uint8Array.from([(4 << 3) | 2, 132, 137, 122, (11 << 3) | 2, 128, 137, 122])
  const padded = Buffer.concat([endless, Buffer.alloc(2_000_000, 0x80)])
  expect(() => checkForm(GenerateRequestSchema, padded, 1024)).toThrow('131072 fields')
})

test('four megabytes of text pass, or eight bytes for each token of the context; other bytes do not count', () => {
  const tensor = { payload: { case: 'inline' as const, value: new Uint8Array(8_000_000) } }
  const request = create(GenerateRequestSchema, {
    input: { case: 'text', value: 'a' },
    mmInputs: { pixelValues: tensor },
  })
  checkForm(GenerateRequestSchema, toBinary(GenerateRequestSchema, request), 1024)
  checkForm(GenerateRequestSchema, generate('a'.repeat(4_194_304), 0), 1024)
  checkForm(GenerateRequestSchema, generate('a'.repeat(8_000_000), 0), 1_000_000)
  expect(() => checkForm(GenerateRequestSchema, generate('a'.repeat(4_194_305), 0), 1024)).toThrow(
    '4194304 bytes of text',
  )
})
