import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { differenceFrom, type GoldenTrace, type Workload } from '../src/testing/golden-schedule.ts'

/** `check-schedules DIR`: runs the workloads of the folder and compares each step with vLLM's. */
const directory = process.argv[2] ?? '.'
const names = globSync('workloads/*.json', { cwd: directory })
  .map(file => path.basename(file, '.json'))
  .toSorted()
let equal = 0
for (const name of names) {
  const workload: Workload = JSON.parse(readFileSync(path.join(directory, `workloads/${name}.json`), 'utf8'))
  const trace: GoldenTrace = JSON.parse(
    gunzipSync(readFileSync(path.join(directory, `traces/${name}.trace.json.gz`))).toString(),
  )
  const difference = differenceFrom(trace, workload)
  if (difference === undefined) equal++
  else process.stdout.write(`${name}: ${difference}\n`)
}
process.stdout.write(`${equal} of ${names.length} equal\n`)
process.exitCode = equal === names.length && equal > 0 ? 0 : 1
