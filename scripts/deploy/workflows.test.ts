import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse, parseDocument } from 'yaml'
import { root } from './objects.ts'
import { githubFiles, missingIn } from './workflows.ts'

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

describe('what GitHub runs', () => {
  test.each(githubFiles)('%s is YAML, and what it names is there', file => {
    expect(parseDocument(read(file)).errors).toEqual([])
    expect(missingIn(read(file))).toEqual([])
  })

  test.each([
    ['a script', '.github/workflows/ci.yml', 'smoke:packed', 'smoke:paked', 'no script is smoke:paked'],
    [
      'a file',
      '.github/workflows/kind.yml',
      'run: scripts/kind-deploy.sh\n',
      'run: scripts/kind.sh\n',
      'no file is scripts/kind.sh',
    ],
    ['a path', '.github/workflows/kind.yml', '"deploy/**"', '"deplay/**"', 'no file is deplay/**'],
    [
      'an input',
      '.github/workflows/ci.yml',
      'args: --model my-model\n',
      'arg: --model my-model\n',
      'the action has no input arg',
    ],
    ['an unused input', 'action.yml', '${{ inputs.timeout }}', '60', 'nothing uses the input timeout'],
    ['an undeclared input', 'action.yml', '${{ inputs.run }}', '${{ inputs.runs }}', 'no input is runs'],
  ])('%s that is wrong is found', (_, file, from, to, problem) => {
    const text = read(file)
    expect(text).toContain(from)
    expect(missingIn(text.replace(from, to))).toContain(problem)
  })

  test('every job has an end', () => {
    for (const file of githubFiles.filter(name => name.includes('workflows/'))) {
      for (const job of Object.values(parse(read(file)).jobs as Record<string, { 'timeout-minutes'?: number }>)) {
        expect(job['timeout-minutes'], file).toBeGreaterThan(0)
      }
    }
  })

  test('dependabot looks at folders that have what it looks for', () => {
    const files: Record<string, string> = {
      npm: 'package.json',
      docker: 'Dockerfile',
      'docker-compose': 'compose.yaml',
      'github-actions': '.github/workflows/ci.yml',
    }
    for (const update of parse(read('.github/dependabot.yml')).updates) {
      expect(read(path.join(update.directory, files[update['package-ecosystem']]!))).not.toBe('')
    }
  })
})

describe('the action', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-action-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  /** The action's script as a job runs it, and what later steps get from it. */
  async function act(env: Record<string, string>) {
    const files = { GITHUB_ENV: path.join(folder, 'env'), GITHUB_OUTPUT: path.join(folder, 'output') }
    const script = spawn('bash', [path.join(root, 'scripts/action.sh')], {
      env: { ...process.env, RUNNER_TEMP: folder, ...files, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let printed = ''
    script.stdout.on('data', chunk => {
      printed += chunk
    })
    const [status] = await once(script, 'close')
    return { status, printed, files }
  }

  test('starts a server, tells its address, and prints the log when the commands fail', async () => {
    const { status, printed, files } = await act({
      ARGS: `--model m --served-model-name 'two words'`,
      RUN: 'curl --fail --silent "$VLLM_SIM_URL/v1/models"; exit 7',
    })
    expect(printed).toContain('"id":"two words"')
    expect(printed).toContain('::error::the commands failed with exit status 7')
    expect(printed).toContain('Application startup complete.')
    expect(status).toBe(1)
    const url = /^url=(http:\/\/127\.0\.0\.1:\d+)$/m.exec(readFileSync(files.GITHUB_OUTPUT, 'utf8'))![1]!
    expect(readFileSync(files.GITHUB_ENV, 'utf8')).toBe(`VLLM_SIM_URL=${url}\n`)
    await expect.poll(() => fetch(url).then(Boolean, () => 'gone'), { timeout: 20_000 }).toBe('gone')
  })

  test('says why a server does not start', async () => {
    const { status, printed } = await act({ ARGS: '--modl m' })
    expect(status).toBe(1)
    expect(printed).toContain('::error::vllm-sim did not start')
    expect(printed).toContain('unknown flag: --modl')
  })
})
