import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { problemsOf } from '../deploy/check.ts'
import { objectsIn, root } from '../deploy/objects.ts'
import { typeErrors } from '../deploy/types.ts'
import { attempt, goTool, run } from './tools.ts'

export const chart = path.join(root, 'charts/vllm-sim')
export const crds = path.join(root, 'scripts/deploy/crds')

/** The values that the chart is tried with: none, and each file of `ci/`. */
export function valueFiles(): readonly (string | undefined)[] {
  return [undefined, ...globSync(path.join(chart, 'ci/*.yaml')).sort()]
}

const given = (file: string | undefined): readonly string[] => (file === undefined ? [] : ['--values', file])

/** The chart is clean, what it renders is right in every way that manifests are. */
export async function chartRenders(file: string | undefined): Promise<void> {
  const helm = goTool('helm')
  run(helm, ['lint', '--strict', chart, ...given(file)])
  const rendered = run(helm, ['template', 'release', chart, ...given(file)])
  // What a user has to have made before is named by the values.
  const objects = objectsIn(path.basename(file ?? 'defaults'), rendered)
  const problems = [...typeErrors(objects), ...(await problemsOf(objects))]
  if (problems.length > 0) throw new Error(problems.join('\n'))
  const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-chart-'))
  try {
    const rendition = path.join(folder, 'rendered.yaml')
    writeFileSync(rendition, rendered)
    validated(rendition)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A file passes the schemas of Kubernetes, unknown members included. */
export function validated(file: string): void {
  run(goTool('kubectl-validate'), [file, '--local-crds', crds])
}

/** Values that must be refused, and what the refusal must name. */
export const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['a misspelt value', ['replicaCont=2'], /replicaCont/],
  ['an option that does not exist', ['config.max-num-seqz=2'], /max-num-seqz/],
  ['a value of a wrong type', ['replicaCount=many'], /replicaCount/],
  ['an option of a wrong type', ['config.maxNumSeqs=many'], /maxNumSeqs/],
  ['roles that exclude each other', ['roles.prefill.enabled=true'], /exclude each other/],
  ['prefill without decode', ['roles.aggregated.enabled=false', 'roles.prefill.enabled=true'], /needs roles\.decode/],
  ['ranks over the ports', ['ranks=20', 'config.port=65530'], /above 65535/],
  ['TLS without a secret', ['tls.enabled=true'], /needs tls\.secretName/],
  ['events without a reader', ['kvEvents.enabled=true'], /needs kvEvents\.endpoint/],
  ['two that scale', ['autoscaling.enabled=true', 'keda.enabled=true'], /exclude each other/],
]

export function chartRefuses(values: readonly string[], text: RegExp): void {
  const { status, stderr } = attempt(goTool('helm'), ['template', 'r', chart, ...values.flatMap(one => ['--set', one])])
  if (status === 0) throw new Error('it was rendered')
  if (!text.test(stderr)) throw new Error(`refused, but with: ${stderr}`)
}
