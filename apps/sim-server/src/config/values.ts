import { completeValues as complete, type OptionFields as Fields, type Values as ValuesOf } from '@vllm-sim/config'
import { options, type published } from '../options/table.ts'

/** A field per published option, named in camel case. */
export type OptionFields = Fields<typeof published>

/** The value of every option as it was read, durations in nanoseconds. */
export type Values = ValuesOf<typeof published>

/** Values with the table's defaults where nothing was given. */
export function completeValues(given: ReadonlyMap<string, unknown>): Values {
  return complete<typeof published>(options, given)
}
