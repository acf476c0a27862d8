import type { IncomingMessage, ServerResponse } from 'node:http'
import { type JsonBytes, JsonReader, type JsonText, joined, type Pieces, readJson } from '@vllm-sim/json-edit'
import type { BodyEdits } from '@vllm-sim/pd-protocol'
import { ClientLeft } from '../http/relay.ts'
import { badRequest, Failure } from './failure.ts'

/**
 * Reads the body of a request; it is checked while it arrives.
 * @param limit bytes; 0: none
 * @throws Failure when it is no JSON object, or too large
 */
export function readBody(req: IncomingMessage, res: ServerResponse, limit: number): Promise<JsonText> {
  const reader = new JsonReader()
  const { promise, resolve, reject } = Promise.withResolvers<JsonText>()
  const left = (): void => fail(new ClientLeft())
  let size = 0
  const fail = (error: unknown): void => {
    stop()
    // Node reads the rest, when the answer has left.
    reject(
      error instanceof Failure || error instanceof ClientLeft
        ? error
        : badRequest(`invalid JSON: ${(error as Error).message}`),
    )
  }
  const take = (piece: Buffer): void => {
    size += piece.length
    try {
      if (limit > 0 && size > limit) throw new Failure(413, 'BadRequestError', `the body is longer than ${limit} bytes`)
      reader.push(piece)
    } catch (error) {
      fail(error)
    }
  }
  const end = (): void => {
    try {
      const body = reader.end()
      if (body.kind !== 'object') throw badRequest('request body is not a JSON object')
      stop()
      resolve(body)
    } catch (error) {
      fail(error)
    }
  }
  const stop = (): void => {
    req.off('data', take)
    req.off('end', end)
    res.off('close', left)
  }
  const declared = Number(req.headers['content-length'] ?? 0)
  if (limit > 0 && declared > limit) fail(new Failure(413, 'BadRequestError', `the body is longer than ${limit} bytes`))
  else {
    req.on('data', take)
    req.on('end', end)
    res.on('close', left)
  }
  return promise
}

/** A body with changes of the protocol, and further members. Values are JSON. */
export function edited(body: JsonText, edits: BodyEdits, members: Readonly<Record<string, JsonBytes>> = {}): Pieces {
  const { set, remove, sampling } = edits
  if (sampling === undefined) return body.edit({ set: { ...set, ...members }, remove })
  const given = objectOf(body.get('sampling_params')) ?? readJson(Buffer.from('{}'))
  return body.edit({ set: { ...set, sampling_params: joined(given.edit(sampling)), ...members }, remove })
}

/** The object that a JSON text is, or undefined. */
export function objectOf(text: Buffer | undefined): JsonText | undefined {
  if (text === undefined || text[0] !== 0x7b) return undefined
  return readJson(text)
}
