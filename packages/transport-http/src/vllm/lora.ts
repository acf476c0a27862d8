import type { ServerResponse } from 'node:http'
import { type LoraRegistry, RequestError } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { sendEmpty, sendJson, sendText } from '../http/reply.ts'
import { postJson, type Route } from '../routing/route.ts'
import { boolean, object, string } from '../schema/types.ts'
import { validator } from '../schema/validator.ts'

export interface LoraOptions {
  readonly loras: Pick<LoraRegistry, 'registered' | 'register' | 'unregister'>
  /** vLLM's checks and texts instead of the reference's, which takes every name and answers without a body. */
  readonly strict: boolean
}

interface LoadBody {
  readonly lora_name?: string | null
  readonly lora_path?: string | null
  readonly load_inplace?: boolean | null
}

/** `POST /v1/load_lora_adapter` and `POST /v1/unload_lora_adapter` */
export function loraRoutes(context: Pick<ApiContext, 'settings' | 'log'>, options: LoraOptions): Route[] {
  return [
    route('load', context, (body, res) => load(body, res, options, context)),
    route('unload', context, (body, res) => unload(body, res, options, context)),
  ]
}

function route(
  verb: 'load' | 'unload',
  context: Pick<ApiContext, 'settings' | 'log'>,
  answer: (body: LoadBody, res: ServerResponse) => void,
): Route {
  const unparsable = (detail: string): RequestError =>
    new RequestError(400, `failed to read and parse ${verb} lora request body, ${detail}`)
  const read = validator<LoadBody>(object({ lora_name: string, lora_path: string, load_inplace: boolean }), unparsable)
  return postJson(context, `/v1/${verb}_lora_adapter`, unparsable, (json, _req, res) => answer(read(json), res))
}

type Log = Pick<ApiContext, 'log'>

function load(body: LoadBody, res: ServerResponse, { loras, strict }: LoraOptions, { log }: Log): void {
  const { lora_name: name, lora_path: path } = body
  if (strict && !(name && path)) {
    refuse(res, "Both 'lora_name' and 'lora_path' must be provided.")
    return
  }
  if (!name) {
    throw new RequestError(
      400,
      'failed to read and parse load lora request body, lora_name must not be empty',
      'lora_name',
    )
  }
  if (strict && loras.registered.has(name) && !body.load_inplace) {
    refuse(
      res,
      `The lora adapter '${name}' has already been loaded. If you want to load the adapter in place, set 'load_inplace' to True.`,
    )
    return
  }
  loras.register(name, path ?? '')
  log.debug({ name, path }, 'LoRA adapter registered')
  if (strict) sendText(res, 200, `Success: LoRA adapter '${name}' added successfully.`)
  else sendEmpty(res, 200)
}

function unload(body: LoadBody, res: ServerResponse, { loras, strict }: LoraOptions, { log }: Log): void {
  const { lora_name: name } = body
  if (!name) {
    if (strict) {
      refuse(res, "'lora_name' needs to be provided to unload a LoRA adapter.")
      return
    }
    throw new RequestError(
      400,
      'failed to read and parse unload lora request body, lora_name must not be empty',
      'lora_name',
    )
  }
  const known = loras.unregister(name)
  if (strict && !known) throw new RequestError(404, `The lora adapter '${name}' cannot be found.`)
  if (known) log.debug({ name }, 'LoRA adapter unregistered')
  if (strict) sendText(res, 200, `Success: LoRA adapter '${name}' removed successfully.`)
  else sendEmpty(res, 200)
}

/** The one error type that vLLM has only here. */
function refuse(res: ServerResponse, message: string): void {
  sendJson(res, 400, JSON.stringify({ error: { message, type: 'InvalidUserInput', param: null, code: 400 } }))
}
