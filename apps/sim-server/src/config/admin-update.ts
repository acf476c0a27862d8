import { CompleteError, isObject, type JsonObject, type Option, reasonOf } from '@vllm-sim/config'
import { optionTable } from '../options/table.ts'
import { buildConfig, type Config } from './config.ts'
import type { FakeMetrics } from './fake-metrics/fake-metrics.ts'
import { mergeFakeMetrics } from './fake-metrics/merge.ts'
import { type PublishedFakeMetrics, publishFakeMetrics } from './fake-metrics/publish.ts'
import { validationError } from './rules.ts'
import { stepsError } from './steps.ts'
import { completeValues } from './values.ts'

/** What an update comes to. Nothing has changed yet: the caller puts it in force. */
export interface AdminUpdate {
  readonly config: Config
  /** The latency model has to be made anew from `config.latency`. */
  readonly latencyChanged: boolean
  /** Steps last differently from now on. */
  readonly stepsChanged: boolean
  /** What to change in the fake metrics; absent: nothing. */
  readonly fakeMetricsUpdate?: PublishedFakeMetrics
}

/** An update that is refused; the message is the one to answer with. */
export class AdminUpdateError extends Error {
  override readonly name = 'AdminUpdateError'
}

const PAYLOAD = 'failed to unmarshal payload: '

/**
 * Applies a body of `POST /admin/config` to a copy of the configuration. What is absent or `null` stays, except that
 * `null` empties `failure-types`. Integers for durations are nanoseconds.
 * @throws AdminUpdateError; the configuration is unchanged
 */
export function applyAdminUpdate(config: Config, bodyText: string): AdminUpdate {
  return update(config, parseBody(bodyText))
}

/** The same for a body of the deprecated `POST /fake_metrics`, which is the fake metrics themselves. */
export function applyFakeMetricsUpdate(config: Config, bodyText: string): AdminUpdate {
  return update(config, { 'fake-metrics': parseBody(bodyText) })
}

function parseBody(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new AdminUpdateError(PAYLOAD + reasonOf(error))
  }
  if (value === null) return {}
  if (!isObject(value)) throw new AdminUpdateError(`${PAYLOAD}expected a JSON object`)
  return value
}

function update(config: Config, body: JsonObject): AdminUpdate {
  const { parts } = config
  const isAbout = (subject: string) => Object.keys(body).some(name => optionTable.get(name)!.live === subject)
  checkDurations(body)
  const changes = decode(body)
  const fake = changes.get('fake-metrics') as FakeMetrics | undefined
  if (fake !== undefined) changes.set('fake-metrics', mergeFakeMetrics(config.fakeMetrics ?? {}, fake))
  const values = completeValues(new Map([...Object.entries(parts.values.byName), ...changes]))
  const error = validationError(values) ?? stepsError(values, parts.given)
  if (error !== undefined) throw new AdminUpdateError(error)
  if (changes.has('step-profile') && !config.steps) {
    throw new AdminUpdateError('the simulator was started without a step-profile; its sequences share no steps')
  }
  if (fake !== undefined && config.fakeMetrics === undefined) {
    throw new AdminUpdateError('the simulator is reporting real metrics; fake metrics cannot be updated')
  }
  return {
    config: buildConfig({ ...parts, values, given: new Set([...parts.given, ...changes.keys()]) }),
    latencyChanged: isAbout('latency'),
    stepsChanged: isAbout('steps'),
    ...(fake !== undefined && { fakeMetricsUpdate: publishFakeMetrics(fake) }),
  }
}

/** Duration texts are read before anything else is looked at, also those of options that cannot be changed. */
function checkDurations(body: JsonObject): void {
  for (const [name, value] of Object.entries(body)) {
    const type = optionTable.get(name)?.type
    if (type?.publish === undefined || typeof value !== 'string') continue
    try {
      type.fromJson?.(value)
    } catch (error) {
      throw new AdminUpdateError(`field ${JSON.stringify(name)}: ${reasonOf(error)}`)
    }
  }
}

function decode(body: JsonObject): Map<string, unknown> {
  for (const name of Object.keys(body)) {
    if (optionTable.get(name)?.live === undefined) {
      throw new AdminUpdateError(`field '${name}' is not admin-configurable`)
    }
  }
  const changes = new Map<string, unknown>()
  for (const [name, value] of Object.entries(body)) {
    if (value !== null) changes.set(name, decodeValue(name, optionTable.get(name)!, value))
    else if (name === 'failure-types') changes.set(name, undefined)
  }
  return changes
}

function decodeValue(name: string, { type }: Option, value: unknown): unknown {
  try {
    return type.fromJson!(value)
  } catch (error) {
    throw new AdminUpdateError(PAYLOAD + (error instanceof CompleteError ? '' : `${name}: `) + reasonOf(error))
  }
}
