import { reasonOf } from '../errors.ts'
import { GeneratorFormatError } from '../fake-metrics/generator.ts'
import { parseFakeMetrics } from '../fake-metrics/parse.ts'
import type { FakeMetrics } from '../fake-metrics.ts'
import { toJson } from '../yaml-node.ts'
import type { ValueType } from './value-type.ts'

/** Fake metrics: a JSON object on the command line, a mapping in YAML. `null` means none, also where YAML has some. */
export const fakeMetrics: ValueType<FakeMetrics | undefined> = {
  label: 'json',
  arity: 'one',
  parse(word, warn) {
    const value = parseJson(word)
    return value === null ? undefined : parseFakeMetrics(value, 'json', key => warn(unknownKey(key)))
  },
  read: (node, warn) => parseFakeMetrics(toJson(node), 'yaml', key => warn(unknownKey(key))),
  fromJson: value => parseFakeMetrics(value, 'json'),
  schema: { type: 'object' },
}

function unknownKey(key: string): string {
  return `unknown key "${key}" is ignored`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`not valid JSON: ${reasonOf(error)}`)
  }
}

/** Whether the error's message is complete without the place where it happened. */
export function isCompleteMessage(error: unknown): boolean {
  return error instanceof GeneratorFormatError
}
