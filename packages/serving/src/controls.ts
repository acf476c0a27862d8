import { RequestError } from '@vllm-sim/core-engine'
import type { InjectedFailure } from './failures.ts'

/** The spellings that Go's `strconv.ParseBool` takes, which the reference reads headers with. */
const booleans: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
}

/** The value of a header, or of metadata, as a boolean; anything but the accepted spellings counts as absent. */
export function booleanValue(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : booleans[text]
}

/**
 * The failure that a client asks for with `X-Return-Error`.
 * @param text the header's value, or that of metadata
 * @throws RequestError when it is not a usable status
 */
export function returnError(text: string | undefined): InjectedFailure | undefined {
  if (text === undefined || text === '') return undefined
  if (!/^[+-]?\d+$/.test(text)) {
    throw new RequestError(400, `Invalid X-Return-Error header value ${JSON.stringify(text)}: must be an integer`)
  }
  const status = Number(text)
  if (!(status >= 200 && status <= 599)) {
    throw new RequestError(
      400,
      `Invalid X-Return-Error header value ${JSON.stringify(text)}: must be an HTTP status code between 200 and 599`,
    )
  }
  return { status, message: `Simulated error triggered by X-Return-Error header (code ${status})`, param: null }
}
