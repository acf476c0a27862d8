import { acceptedTables, code, optionTables, renderJsonSchema, variableTable } from '@vllm-sim/config'
import { options, optionTable } from '../../options/table.ts'
import { environmentTable } from '../environment.ts'
import { INTRODUCTION } from './introduction.ts'

/** The reference page of all options. */
export function renderConfigurationPage(): string {
  return `${[
    INTRODUCTION,
    '## Options',
    ...optionTables(options),
    '## Environment variables',
    variableTable(options, environmentTable),
    '## Live changes',
    liveSection(),
    '## Accepted without effect',
    'These options are taken in vLLM’s syntax, so that its command lines and manifests work unchanged. The log names the ones that were given.',
    ...acceptedTables(options),
  ].join('\n\n')}\n`
}

function liveSection(): string {
  const names = (kind: string): string =>
    [...optionTable].flatMap(([name, row]) => (row.live === kind ? [code(name)] : [])).join(', ')
  return [
    '`GET /admin/config` shows the configuration in the form of llm-d-inference-sim, `GET /admin/options` every option with an effect: `name`, `value`, `default`, `live`. `POST /admin/config` with a JSON object changes these options while the server runs. All keys of a request take effect, or none does.',
    `- Delays, for what starts afterwards: ${names('latency')}.\n- Others: ${names('other')}.`,
    'Durations are strings as above, or integers, which are nanoseconds here. `null` leaves an option as it is, except that it empties `failure-types`.',
  ].join('\n\n')
}

/** JSON schema of configuration files. */
export function renderConfigurationSchema(): string {
  return renderJsonSchema(
    options,
    'Configuration file of vllm-sim',
    'Keys are the names of the command line options. The server ignores unknown keys with a warning.',
  )
}
