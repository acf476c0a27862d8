import type { JsonObject } from '../json.ts'
import type { Schema } from './document.ts'

/** Types as bits. `FRACTION` are the numbers that are no integers. */
export const NULL = 1
export const BOOLEAN = 2
export const INTEGER = 4
export const FRACTION = 8
export const STRING = 16
export const ARRAY = 32
export const OBJECT = 64
export const ALL_TYPES = 127

const BITS: Readonly<Record<string, number>> = {
  null: NULL,
  boolean: BOOLEAN,
  integer: INTEGER,
  number: INTEGER | FRACTION,
  string: STRING,
  array: ARRAY,
  object: OBJECT,
}

/** The bits of a `type` keyword's value. */
export function typeBits(type: unknown): number {
  return (Array.isArray(type) ? type : [type]).reduce<number>((bits, name) => bits | (BITS[name as string] ?? 0), 0)
}

/** The bit of a value. */
export function typeOf(value: unknown): number {
  if (value === null) return NULL
  if (Array.isArray(value)) return ARRAY
  if (typeof value === 'number') return Number.isInteger(value) ? INTEGER : FRACTION
  return BITS[typeof value] ?? 0
}

/** Names of the types in a mask, for messages. */
export function typeNames(bits: number): string {
  const names = Object.keys(BITS).filter(
    name => (BITS[name]! & bits) !== 0 && (name !== 'integer' || !(bits & FRACTION)),
  )
  return names.join(' or ') || 'nothing'
}

/** A choice that is still open: one of the options has to hold as well. */
export interface Choice {
  readonly key: string
  readonly options: readonly Schema[]
}

/** A `contains` with its counts. */
export interface Containing {
  readonly schema: Schema
  readonly min: number
}

/** All conditions of several schemas that have to hold at once, in one place. */
export interface Shape {
  types: number
  /** Why nothing can fulfil the conditions, and where. */
  never: { reason: string; at: JsonObject | undefined } | undefined
  /** From enum and const: the only values. */
  values: readonly unknown[] | undefined
  /** Keys of values that are not allowed. */
  excluded: Set<unknown>
  /** Closed bounds: exclusive ones are moved to the next number. */
  minimum: number
  maximum: number
  multiples: number[]
  minLength: number
  maxLength: number
  patterns: string[]
  notPatterns: string[]
  formats: string[]
  minItems: number
  maxItems: number
  unique: boolean
  /** Schemas with keywords about elements. */
  arrays: JsonObject[]
  contains: Containing[]
  minProperties: number
  maxProperties: number
  /** Schemas with keywords about members. */
  objects: JsonObject[]
  required: Set<string>
  forbidden: Set<string>
  names: Schema[]
  dependents: Map<string, Set<string>>
  choices: Choice[]
  /** Has conditions that generation does not follow by construction: values have to be checked. */
  checked: boolean
  /** The schema to point at when the conditions contradict each other. */
  at: JsonObject | undefined
}

/** The shape that everything fulfils. */
export function anyShape(): Shape {
  return {
    types: ALL_TYPES,
    never: undefined,
    values: undefined,
    excluded: new Set(),
    minimum: Number.NEGATIVE_INFINITY,
    maximum: Number.POSITIVE_INFINITY,
    multiples: [],
    minLength: 0,
    maxLength: Number.POSITIVE_INFINITY,
    patterns: [],
    notPatterns: [],
    formats: [],
    minItems: 0,
    maxItems: Number.POSITIVE_INFINITY,
    unique: false,
    arrays: [],
    contains: [],
    minProperties: 0,
    maxProperties: Number.POSITIVE_INFINITY,
    objects: [],
    required: new Set(),
    forbidden: new Set(),
    names: [],
    dependents: new Map(),
    choices: [],
    checked: false,
    at: undefined,
  }
}
