import { longestDelay } from './clock.ts'
import type { StepCoefficients } from './step-cost.ts'

/** The engine that was measured. Lengths in tokens. */
export interface ProfiledEngine {
  readonly model?: string
  readonly gpu?: string
  readonly gpus?: number
  readonly vllm_version?: string
  readonly max_num_seqs?: number
  readonly max_num_batched_tokens?: number
  readonly num_gpu_blocks?: number
  readonly block_size?: number
  readonly async_scheduling?: boolean
  readonly tensor_parallel_size?: number
  readonly data_parallel_size?: number
}

/** Where a coefficient comes from. */
export interface FittedCoefficient {
  /** Standard deviation of its logarithm after the fit. */
  readonly sd: number
  /** `prior`: the measurements say little about it. */
  readonly source: 'data' | 'prior'
}

/** Smallest and largest value that the measurements had. */
export type VisitedRange = readonly [number, number]

/** Relative errors of a metric, in percent. */
export interface ProfileError {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly mape: number
}

/** How long the steps of a real engine last: what `--step-profile` takes and a calibration writes. */
export interface StepProfile {
  readonly schema: typeof stepProfileSchemaName
  readonly name: string
  readonly engine: ProfiledEngine
  readonly cost: StepCoefficients
  /** From the arrival of a request until the engine has it, milliseconds. */
  readonly arrival_ms: number
  /** How long the KV cache of a prompt takes from another instance. */
  readonly transfer?: { readonly base_ms: number; readonly token_us: number }
  readonly fit?: {
    readonly coefficients: Readonly<Record<string, FittedCoefficient>>
    readonly visited: { readonly tokens: VisitedRange; readonly decodes: VisitedRange; readonly context: VisitedRange }
  }
  readonly error?: {
    readonly rows: number
    /** What was fitted on and what was not. */
    readonly split: string
    readonly ttft: ProfileError
    readonly tpot: ProfileError
    readonly e2e: ProfileError
  }
  readonly provenance?: {
    readonly source?: string
    readonly commit?: string
    readonly files?: readonly string[]
    readonly licence?: string
    readonly date?: string
    readonly command?: string
  }
}

export const stepProfileSchemaName = 'vllm-sim.step-profile/1'

/** The part of JSON Schema that profiles need. */
export interface ProfileSchema {
  readonly type: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  readonly description?: string
  readonly const?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly minItems?: number
  readonly items?: ProfileSchema
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, ProfileSchema>>
  readonly additionalProperties?: false | ProfileSchema
}

const text = { type: 'string', maxLength: 4096 } as const
const percent = { type: 'number' } as const
const count = { type: 'integer', minimum: 1, maximum: 2 ** 31 - 1 } as const
const coefficient = (description: string) =>
  ({ type: 'number', minimum: 0, maximum: longestDelay, description }) as const

function object(
  properties: Readonly<Record<string, ProfileSchema>>,
  required: readonly string[] = Object.keys(properties),
): ProfileSchema {
  return { type: 'object', properties, required, additionalProperties: false }
}

const range: ProfileSchema = { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 }
const errors = object({ mean: percent, p50: percent, p90: percent, p99: percent, mape: percent })

/** What a profile has to look like, as JSON Schema. */
export const stepProfileSchema: ProfileSchema = object(
  {
    schema: { type: 'string', const: stepProfileSchemaName },
    name: { type: 'string', minLength: 1, maxLength: 256 },
    engine: object(
      {
        model: text,
        gpu: text,
        gpus: count,
        vllm_version: text,
        max_num_seqs: count,
        max_num_batched_tokens: count,
        num_gpu_blocks: { ...count, minimum: 2 },
        block_size: count,
        async_scheduling: { type: 'boolean' },
        tensor_parallel_size: count,
        data_parallel_size: count,
      },
      [],
    ),
    cost: object(
      {
        host_ms: coefficient('every step'),
        mixed_ms: coefficient('a step with prefill'),
        weights_ms: coefficient('reading the weights'),
        token_us: coefficient('a token'),
        seq_us: coefficient('a decoding sequence'),
        ctx_us_per_ktok: coefficient('1,000 tokens of context that decodes read'),
        pair_us_per_ktok: coefficient('a token of prefill times 1,000 tokens before it'),
        skew_us_per_ktok: coefficient('1,000 tokens that the longest context is above the mean'),
        correction: {
          type: 'array',
          maxItems: 64,
          description: 'pairs of tokens, ascending, and factor',
          items: { type: 'array', minItems: 2, maxItems: 2, items: { type: 'number', minimum: 1e-3, maximum: 1e9 } },
        },
        moe: object({
          share: { type: 'number', minimum: 0, maximum: 1 },
          experts: count,
          active: count,
        }),
        first_step_ms: coefficient('beside the others, the first step after the start'),
        first_step_blocks: { type: 'boolean' },
      },
      [
        'host_ms',
        'mixed_ms',
        'weights_ms',
        'token_us',
        'seq_us',
        'ctx_us_per_ktok',
        'pair_us_per_ktok',
        'skew_us_per_ktok',
      ],
    ),
    arrival_ms: coefficient('from the arrival of a request until the engine has it'),
    transfer: object({ base_ms: coefficient('any prompt'), token_us: coefficient('a token of the prompt') }),
    fit: object({
      coefficients: {
        type: 'object',
        additionalProperties: object({
          sd: { type: 'number', minimum: 0 },
          source: { type: 'string', enum: ['data', 'prior'] },
        }),
      },
      visited: object({ tokens: range, decodes: range, context: range }),
    }),
    error: object({ rows: { type: 'integer', minimum: 0 }, split: text, ttft: errors, tpot: errors, e2e: errors }),
    provenance: object(
      {
        source: text,
        commit: text,
        files: { type: 'array', maxItems: 1000, items: text },
        licence: text,
        date: text,
        command: text,
      },
      [],
    ),
  },
  ['schema', 'name', 'engine', 'cost', 'arrival_ms'],
)

/**
 * A profile from parsed JSON.
 * @throws RangeError that names the member that is wrong and says what it has to be
 */
export function stepProfile(value: unknown): StepProfile {
  check(value, stepProfileSchema, '')
  const profile = value as StepProfile
  const { correction, moe } = profile.cost
  for (let at = 1; at < (correction?.length ?? 0); at++) {
    if (correction![at]![0] <= correction![at - 1]![0]) {
      throw new RangeError(`cost.correction[${at}][0] must be above the one before`)
    }
  }
  if (moe && moe.active > moe.experts) throw new RangeError('cost.moe.active must not be above cost.moe.experts')
  return profile
}

function check(value: unknown, schema: ProfileSchema, path: string): void {
  const fail = (what: string): never => {
    throw new RangeError(`${path === '' ? 'the profile' : path} must be ${what}, got ${shown(value)}`)
  }
  switch (schema.type) {
    case 'object':
      if (typeof value !== 'object' || value === null || Array.isArray(value)) fail('an object')
      checkMembers(value as Record<string, unknown>, schema, path)
      break
    case 'array': {
      const { minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema
      if (!Array.isArray(value) || value.length < minItems || value.length > maxItems) {
        fail(minItems === maxItems ? `a list of ${minItems}` : `a list of at most ${maxItems}`)
      }
      for (const [at, item] of (value as unknown[]).entries()) check(item, schema.items!, `${path}[${at}]`)
      break
    }
    case 'string':
      if (schema.const !== undefined && value !== schema.const) fail(JSON.stringify(schema.const))
      if (schema.enum && !schema.enum.includes(value as string)) fail(`one of ${schema.enum.join(', ')}`)
      if (typeof value !== 'string') fail('a text')
      if ((value as string).length < (schema.minLength ?? 0)) fail('a text that is not empty')
      if ((value as string).length > (schema.maxLength ?? Number.POSITIVE_INFINITY)) {
        fail(`a text of at most ${schema.maxLength} characters`)
      }
      break
    case 'boolean':
      if (typeof value !== 'boolean') fail('true or false')
      break
    default: {
      const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
      const kind = schema.type === 'integer' ? 'a whole number' : 'a number'
      const fits = schema.type === 'integer' ? Number.isInteger(value) : Number.isFinite(value)
      if (!fits || (value as number) < minimum || (value as number) > maximum) {
        fail(`${kind}${minimum > -Infinity ? ` from ${minimum}` : ''}${maximum < Infinity ? ` to ${maximum}` : ''}`)
      }
    }
  }
}

function checkMembers(value: Readonly<Record<string, unknown>>, schema: ProfileSchema, path: string): void {
  const { properties = {}, required = [], additionalProperties } = schema
  const member = (name: string) => (path === '' ? name : `${path}.${name}`)
  for (const name of required) if (!Object.hasOwn(value, name)) throw new RangeError(`${member(name)} is missing`)
  for (const [name, content] of Object.entries(value)) {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties
    if (!known) throw new RangeError(`${member(name).slice(0, 100)} is no member of a step profile`)
    check(content, known, member(name))
  }
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 60 ? `${json.slice(0, 60)}…` : json
}
