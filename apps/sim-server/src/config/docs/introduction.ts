import { markdownTable as table } from '@vllm-sim/config'

const FORMS = table(
  ['form', 'meaning'],
  [
    ['`serve MODEL`', 'the model, as with `--model MODEL`'],
    ['`--name value`, `--name=value`', 'a value; the last one counts'],
    ['`--name`, `--no-name`, `--name=false`', 'a switch; the last one counts'],
    ['`--name a b c`', 'a list, up to the next flag; several occurrences add up; commas do not separate'],
    ['`--name` of a list', 'the empty list'],
    ['`--max_model_len`', 'underscores equal dashes'],
    ['`-tp 2`, `-O3`, `-v5`', 'short forms'],
    [
      `\`--name '{"a": 1}'\`, \`--name.a 1\`, \`--name.list+ x\``,
      'JSON, whole or in pieces, for options of type `json`',
    ],
    ['`--help`, `--help=WORD`, `--help=all`', 'options with effect, those that contain a word, all'],
  ],
)

/** What stands before the tables of options. */
export const INTRODUCTION = `# Configuration

<!-- Generated from the option table in apps/sim-server/src/options; run "pnpm generate:docs" after changing it. -->

Every option can be given on the command line and in a YAML file, some also in the environment. For each option the
command line wins over the environment, that over the file, and that over the default.

\`\`\`sh
vllm-sim --model my-model --port 8001 --time-to-first-token 200ms --inter-token-latency 20ms
vllm-sim serve my-model --max-model-len 32k -tp 2 --kv-events-config.enable_kv_cache_events true
vllm-sim --config manifests/config.yaml --max-num-seqs 64
\`\`\`

A value that cannot be used ends the process with status 2 and one line that says which and why; so does a flag that
does not exist, with the nearest one that does.

## Command line

${FORMS}

Types: \`int\` is decimal or \`0x\` hexadecimal; \`int[kmgtKMGT]\` also takes \`32k\` (32,000), \`32K\` (32,768) or \`1.5m\`.
Words that belong to no flag are ignored with a warning.

## File

\`--config FILE\` reads YAML with the same names as keys. Lists are sequences, JSON options mappings or JSON text, switches
\`true\`, \`false\`, \`yes\`, \`no\`, \`on\` or \`off\`. A list on the command line replaces that of the file. Unknown keys are
ignored with a warning, a key without value leaves the default, a key twice is an error.
[configuration.schema.json](configuration.schema.json) describes such files for editors:
\`# yaml-language-server: $schema=…/docs/configuration.schema.json\`.

## Durations

Numbers with units, as in Go: \`100ms\`, \`1.5s\`, \`750us\`, \`1h2m3.5s\`; units are \`ns\`, \`us\`, \`ms\`, \`s\`, \`m\` and \`h\`. They are
kept exactly, fractions of milliseconds included. A plain integer is read as milliseconds, with a warning, because
older files have it.`
