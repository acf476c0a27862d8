import { configView } from '../../apps/sim-server/src/config/index.ts'
import { load } from '../../apps/sim-server/src/config/testing/load.ts'
import { markdownTable as table } from '../../packages/config/src/index.ts'

/** What a flag of llm-d-inference-sim does otherwise here. */
const different: Readonly<Record<string, string>> = {
  'data-parallel-size': 'each rank runs in a thread of its own; one that cannot start ends the process',
  'dataset-url': 'a download that breaks off is resumed; an empty file counts as absent',
  'enable-prefix-caching': 'has an effect: a prefix cache without events',
  'failure-injection-rate': 'drawn from seed and body, so that a run can be repeated',
  'fake-metrics': 'nothing real is shown beside them; functions of time have clocks of their own',
  'force-dummy-tokenizer': 'the same as `--tokenizer-mode simulated`',
  'global-cache-hit-threshold': 'is read from YAML too',
  'inter-token-latency': 'fractions of a millisecond count; absolute deadlines, no drift',
  'kv-events-replay-endpoint': 'requests are served in turns; one that cannot be bound is reported',
  'lora-modules': 'also `name=path`, and mappings in YAML',
  'max-num-seqs': 'slots of clients that left are free at once',
  'max-request-body-size-mb': 'a body that is too large is a 413 with the error object',
  'render-url': 'the service is asked only when the flag is given',
  seed: 'a random one, logged; other texts for the same seed',
  'skip-tool-validation': 'a schema that nothing fulfils is a 400 all the same',
  'startup-duration': '`/health/ready` is 503 while draining too',
  'time-factor-under-load': 'from the requests that run, not from a gauge; at least 1',
  'time-to-first-token': 'fractions of a millisecond count; counted from arrival in the metrics',
  'zmq-endpoint': 'an address with `*` is bound, and counts from 0',
}

/** Every flag of llm-d-inference-sim with its default, and what is different about it. */
export async function referenceFlags(): Promise<string> {
  const { config } = await load(['--model', 'm', '--seed', '1'])
  // Names in capitals are not flags: the view shows them beside the options.
  const flags = Object.entries(JSON.parse(configView(config))).filter(([name]) => /^[a-z]/.test(name))
  const unknown = Object.keys(different).filter(name => !flags.some(([flag]) => flag === name))
  if (unknown.length > 0) throw new Error(`llm-d-inference-sim has no flag ${unknown.join(', ')}`)
  return table(
    ['flag', 'default', 'what is different'],
    flags.map(([name, value]) => [`\`--${name}\``, defaultOf(name, value), different[name] ?? '']),
  )
}

function defaultOf(name: string, value: unknown): string {
  if (name === 'model') return 'none: it must be given'
  if (name === 'served-model-name') return 'the model'
  if (name === 'seed') return 'random'
  if (value === null || value === '') return ''
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}
