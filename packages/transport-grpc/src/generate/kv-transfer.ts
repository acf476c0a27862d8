import { type KvTransfer, RequestError } from '@vllm-sim/core-engine'
import { isObject, parseJson } from '@vllm-sim/serving'
import type { GenerateRequest } from '../gen/vllm/grpc/engine/engine_pb.ts'

/** Where KV blocks come from or go to. The JSON form wins. @throws RequestError 400, with vLLM's texts */
export function kvTransferOf({ kvTransferParams, kvTransferParamsJson }: GenerateRequest): KvTransfer | undefined {
  if (kvTransferParamsJson !== undefined && kvTransferParamsJson !== '') return fromJson(kvTransferParamsJson)
  if (!kvTransferParams) return undefined
  const { remoteHost, remotePort } = kvTransferParams
  if (remoteHost === '' || remotePort < 1 || remotePort > 65_535) {
    throw new RequestError(
      400,
      'Invalid kv_transfer_params: remote_host must be set and remote_port must be in [1, 65535].',
    )
  }
  const params = { do_remote_prefill: true, remote_host: remoteHost, remote_port: remotePort }
  return { doRemoteDecode: false, doRemotePrefill: true, params }
}

function fromJson(text: string): KvTransfer {
  const json = parseJson(text, detail => new RequestError(400, `Invalid kv_transfer_params_json: ${detail}`))
  if (!isObject(json)) throw new RequestError(400, 'kv_transfer_params_json must be a JSON object')
  const { do_remote_decode: doRemoteDecode, do_remote_prefill: doRemotePrefill } = json
  return { doRemoteDecode: doRemoteDecode === true, doRemotePrefill: doRemotePrefill === true, params: json }
}
