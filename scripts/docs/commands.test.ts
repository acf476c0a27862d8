import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../deploy/objects.ts'
import { problemsOfPage, unknownMessages } from './commands.ts'
import { shellCommands } from './shell.ts'

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')
const pages = globSync('**/*.md', { cwd: root, exclude: ['**/node_modules/**', '**/dist/**'] }).sort()

describe('commands and YAML of', () => {
  test.each(pages)('%s', async page => {
    expect(await problemsOfPage(read(page))).toEqual([])
  })

  const block = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\`\n`

  test.each([
    ['an option', block('sh', 'A=1 vllm-sim --model m \\\n  --prot 8000 &'), /unknown flag: --prot/],
    ['a stray word', block('sh', 'vllm-sim --model m --port 8000 fast'), /"fast" is ignored/],
    ['a value', block('sh', "npx -y pnpm@12 start --model 'my model' --mode ecko"), /invalid mode 'ecko'/],
    ['an option of the sidecar', block('sh', 'sleep 1; pd-sidecar --prot 1'), /unknown flag: --prot/],
    ['a script', block('sh', 'pnpm demo:pdd'), /no script is demo:pdd/],
    ['a file', block('sh', 'kubectl apply -f manifests/deploy.yaml'), /no file is manifests\/deploy.yaml/],
    ['a target', block('sh', 'docker build --target simm .'), /no target simm/],
    ['YAML', block('yaml', 'a: [1'), /Flow sequence/],
    ['an input', block('yaml', 'jobs: {a: {steps: [{uses: vllm-sim/vllm-sim@main, with: {arg: x}}]}}'), /no input arg/],
  ])('%s that is wrong is found', async (_, page, problem) => {
    expect((await problemsOfPage(page)).join()).toMatch(problem)
  })
})

test('a script is read as a shell does', () => {
  const script = `config='{"a": 1}' # a comment
B=2 run --x "$config" 'two
lines' a#b 2>&1 | next "say \\"it\\"" &
until [ -s f ]; do sleep 1; done
curl "$(head -n 1 f)/\${config}"`
  expect(shellCommands(script)).toEqual([
    { env: { B: '2' }, words: ['run', '--x', '{"a": 1}', 'two\nlines', 'a#b', '2>&1'] },
    { env: {}, words: ['next', 'say "it"'] },
    { env: {}, words: ['[', '-s', 'f', ']'] },
    { env: {}, words: ['sleep', '1'] },
    { env: {}, words: ['curl', '$(head -n 1 f)/{"a": 1}'] },
  ])
})

describe('docs/troubleshooting.md', () => {
  const files = globSync(['{apps,packages}/*/src/**/*.ts', 'charts/**/*.tpl', 'scripts/start.cjs', 'package.json'], {
    cwd: root,
  })
  const sources = files.filter(file => !file.endsWith('.test.ts')).map(file => read(file).replaceAll('\\"', '"'))

  test('is about messages that the programs have', () => {
    expect(unknownMessages(read('docs/troubleshooting.md'), sources)).toEqual([])
  })

  test('a message that nobody has is found', () => {
    expect(unknownMessages('### 404 `does not … exist at all`\n', sources)).toEqual(['does not … exist at all'])
  })
})
