import { fromBinary, toBinary, toJson } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { file_vllm_grpc_engine_engine as file } from './gen/vllm/grpc/engine/engine_pb.ts'
import vectors from './testing/older-messages.json' with { type: 'json' }

/** The schema of a message of the engine's file. */
function schemaOf(name: string) {
  const schema = file.messages.find(message => message.name === name)
  if (!schema) throw new Error(`there is no message ${name}`)
  return schema
}

// Written by Python's protobuf with llm-d-inference-sim's older definition.
test.each(vectors)('$type of the older definition reads the same and is written the same', ({ type, hex, json }) => {
  const schema = schemaOf(type)
  const message = fromBinary(schema, Buffer.from(hex, 'hex'))
  expect(message.$unknown).toBeUndefined()
  expect(toJson(schema, message)).toEqual(json)
  expect(Buffer.from(toBinary(schema, message)).toString('hex')).toBe(hex)
})
