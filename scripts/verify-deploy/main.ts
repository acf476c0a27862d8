// Checks images, compose, manifests, chart and workflows with the tools that their users have. What is missing is fetched
// or built into a cache, which takes minutes the first time. Ends with `N passed, N failed, N skipped`, and why.
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { manifestFiles, manifestObjects, root } from '../deploy/objects.ts'
import { chart, chartRefuses, chartRenders, crds, refusals, validated, valueFiles } from './chart.ts'
import { Cluster } from './cluster.ts'
import { buildImage, sidecarServes, simServes } from './image.ts'
import { attempt, goTool, onPath, pythonTool, run, Skipped } from './tools.ts'
import { walk, walks } from './walk.ts'

const counts = { passed: 0, failed: 0, skipped: 0 }
const only = process.argv.slice(2)

async function step(name: string, check: () => unknown): Promise<void> {
  if (only.length > 0 && !only.some(word => name.includes(word))) return
  try {
    const remark = await check()
    counts.passed++
    say(`passed   ${name}${typeof remark === 'string' && /^.+$/.test(remark) ? `: ${remark}` : ''}`)
  } catch (error) {
    const skipped = error instanceof Skipped
    counts[skipped ? 'skipped' : 'failed']++
    say(`${skipped ? 'skipped ' : 'FAILED  '} ${name}: ${(error as Error).message}`)
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Manifests with an object of a cluster in them. */
const applied = manifestFiles().filter(file => /^kind: /m.test(text(file)) && !file.startsWith('deploy/'))

function text(file: string): string {
  return readFileSync(path.join(root, file), 'utf8')
}

for (const file of valueFiles())
  await step(`chart with ${path.basename(file ?? 'its defaults')}`, () => chartRenders(file))
for (const [what, values, named] of refusals) await step(`chart refuses ${what}`, () => chartRefuses(values, named))
for (const file of applied) await step(`schemas of ${file}`, () => validated(path.join(root, file)))

await step('Dockerfile: hadolint', () => run(pythonTool('hadolint'), [path.join(root, 'Dockerfile')]))
await step('compose.yaml: docker-compose config', () =>
  run(pythonTool('docker-compose'), ['--file', path.join(root, 'compose.yaml'), '--profile', '*', 'config', '--quiet']),
)
await step('compose.yaml: its schema', () => schema('vendor.compose-spec', 'compose.yaml'))
await step('scripts: shellcheck', () => {
  const scripts = [...globSync('scripts/**/*.sh', { cwd: root }), '.ci/run']
  run(pythonTool('shellcheck'), scripts, { cwd: root })
})
for (const file of globSync('.github/workflows/*.yml', { cwd: root }).sort()) {
  await step(`${file}: actionlint`, () =>
    run(goTool('actionlint'), ['-shellcheck', pythonTool('shellcheck'), path.join(root, file)]),
  )
  await step(`${file}: its schema`, () => schema('vendor.github-workflows', file))
}

for (const [name, file] of [
  ['vendor.github-actions', 'action.yml'],
  ['vendor.dependabot', '.github/dependabot.yml'],
  ['vendor.github-issue-forms', '.github/ISSUE_TEMPLATE/bug.yml'],
  ['vendor.github-issue-forms', '.github/ISSUE_TEMPLATE/idea.yml'],
  ['vendor.github-issue-config', '.github/ISSUE_TEMPLATE/config.yml'],
] as const) {
  await step(`${file}: its schema`, () => schema(name, file))
}

function schema(name: string, file: string): void {
  run(pythonTool('check-jsonschema'), ['--builtin-schema', name, path.join(root, file)])
}

for (const [name, files, use] of walks) await step(`walkthrough of ${name}`, () => walk(files, use))
for (const [target, serves, limits] of [
  ['sim', simServes, [230, 90]],
  ['pd-sidecar', sidecarServes, [215, 75]],
] as const) {
  await step(`image ${target}`, async () => {
    const { image, unpacked, compressed } = buildImage(target)
    await serves(image)
    const sizes = `${Math.round(unpacked)} MB, ${Math.round(compressed)} MB compressed`
    if (unpacked > limits[0] || compressed > limits[1]) throw new Error(`${sizes}: more than ${limits.join(' and ')}`)
    return sizes
  })
}

const wanted = only.length === 0 || only.some(word => 'API server helm installs'.includes(word))
const cluster = await (wanted ? Cluster.start() : Promise.reject(new Skipped('not asked for'))).catch(
  (error: Error) => error,
)
await step('API server', () => {
  if (cluster instanceof Error) throw cluster
})
if (cluster instanceof Cluster) {
  const { env } = cluster
  try {
    run('kubectl', ['apply', '--filename', crds], { env })
    run('kubectl', ['wait', '--for=condition=Established', '--timeout=60s', '--filename', crds], { env })
    for (const file of applied) {
      await step(`API server takes ${file}`, () =>
        run('kubectl', ['apply', '--dry-run=server', '--validate=strict', '--filename', path.join(root, file)], {
          env,
        }),
      )
    }
    await step('API server takes the kind cluster’s objects', () => {
      run('kubectl', ['kustomize', path.join(root, 'deploy')])
      const filled = manifestObjects().filter(
        ({ file, kind }) => file.startsWith('deploy/') && kind !== 'Kustomization',
      )
      const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: filled.map(({ file: _, ...one }) => one) })
      run('kubectl', ['apply', '--dry-run=server', '--validate=strict', '--filename', '-'], { env, input })
    })
    for (const file of valueFiles()) {
      await step(`helm installs, upgrades and uninstalls with ${path.basename(file ?? 'its defaults')}`, () => {
        const helm = goTool('helm')
        const values = file === undefined ? [] : ['--values', file]
        for (const action of [['install'], ['upgrade', '--set', 'podLabels.again=yes']]) {
          run(helm, [action[0]!, 'release', chart, ...values, ...action.slice(1)], { env })
        }
        run(helm, ['uninstall', 'release'], { env })
        const left = attempt('kubectl', ['get', 'deployments,services,configmaps', '-o', 'name'], { env }).stdout
        if (/release/.test(left)) throw new Error(`it leaves behind: ${left}`)
      })
    }
  } finally {
    await cluster.stop()
  }
}
await step('kind', () => {
  onPath('kind')
  throw new Skipped('a kind cluster is made by the workflow')
})

say(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed > 0 ? 1 : 0
