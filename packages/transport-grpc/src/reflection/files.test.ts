import { fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { file_grpc_health_v1_health } from '../gen/grpc/health/v1/health_pb.ts'
import { file_vllm_grpc_engine_engine } from '../gen/vllm/grpc/engine/engine_pb.ts'
import { ReflectedFiles } from './files.ts'

const files = new ReflectedFiles([file_vllm_grpc_engine_engine, file_grpc_health_v1_health])

const names = (list: Uint8Array[] | undefined) => list?.map(bytes => fromBinary(FileDescriptorProtoSchema, bytes).name)
const engine = ['vllm/grpc/engine/engine.proto', 'smg/grpc/common/common.proto']

test('services are listed', () => {
  expect(files.services).toEqual(['grpc.health.v1.Health', 'vllm.grpc.engine.VllmEngine'])
})

test.each([
  'vllm.grpc.engine.VllmEngine',
  'vllm.grpc.engine.VllmEngine.Generate',
  'vllm.grpc.engine.GenerateRequest',
  '.vllm.grpc.engine.GenerateRequest',
  'vllm.grpc.engine.GenerateRequest.request_id',
])('%s is in the engine file, which comes with what it imports', symbol => {
  expect(names(files.bySymbol(symbol))).toEqual(engine)
})

test('what is imported, nested or a value of an enum is found as well', () => {
  expect(names(files.bySymbol('smg.grpc.common.KvEventBatch'))).toEqual(['smg/grpc/common/common.proto'])
  expect(names(files.bySymbol('grpc.health.v1.HealthCheckResponse.ServingStatus'))).toEqual([
    'grpc/health/v1/health.proto',
  ])
  expect(names(files.byName('smg/grpc/common/common.proto'))).toEqual(['smg/grpc/common/common.proto'])
})

test('what does not exist is not found', () => {
  expect(files.bySymbol('vllm.grpc.engine.Nothing')).toBeUndefined()
  expect(files.bySymbol('vllm.grpc.engine.VllmEngine.Nothing')).toBeUndefined()
  expect(files.bySymbol('')).toBeUndefined()
  expect(files.byName('nothing.proto')).toBeUndefined()
  expect(files.byExtension('vllm.grpc.engine.GenerateRequest', 1)).toBeUndefined()
  expect(files.extensionNumbers('vllm.grpc.engine.GenerateRequest')).toEqual([])
  expect(files.extensionNumbers('nothing')).toBeUndefined()
})
