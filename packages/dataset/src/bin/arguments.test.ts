import { expect, test } from 'vitest'
import { help, readArguments } from './arguments.ts'

const good = ['--model', 'm', '--local-path', 'in', '--input-file', 'a.json']

test('what is not given has the documented default', () => {
  expect(readArguments(good)).toMatchObject({
    model: 'm',
    localPath: 'in',
    inputFiles: ['a.json'],
    revision: 'main',
    outputPath: '.',
    outputFile: 'inference-sim-dataset',
    table: 'llmd',
    maxRecords: 10000,
    json: true,
    overwrite: false,
    tokenizerMode: undefined,
    renderTimeout: 5000,
    mediaRenderTimeout: 30_000,
  })
})

test('table name and output path are two things', () => {
  const args = readArguments([...good, '--table-name=t', '--output-path', 'o', '--input-file=b.json', '--no-json'])
  expect(args).toMatchObject({ table: 't', outputPath: 'o', inputFiles: ['a.json', 'b.json'], json: false })
})

test('a render service is used because it is given; durations as Go writes them', () => {
  expect(
    readArguments([...good, '--render-url', 'http://x', '--render-timeout', '1m1.5s', '--mm-render-timeout', '700']),
  ).toMatchObject({ tokenizerMode: 'render', renderTimeout: 61_500, mediaRenderTimeout: 700 })
})

test.each([
  [[], '--model is not defined'],
  [['--model', 'm'], 'either --hf-repo or --local-path must be specified'],
  [['--model', 'm', '--hf-repo', 'a/b', '--local-path', 'x'], 'specify only one of --hf-repo or --local-path'],
  [['--model', 'm', '--hf-repo', 'a/b'], '--hf-repo defined but --file is empty'],
  [['--model', 'm', '--local-path', 'x'], '--local-path defined but --file is empty'],
  [[...good, '--tokenizer-mode', 'render'], '--render-url is not defined'],
  [[...good, '--tokenizer-mode', 'magic'], '--tokenizer-mode must be one of auto, simulated, hf, render, got "magic"'],
  [[...good, '--max-records', '-5'], '--max-records'],
  [[...good, '--max-records=-5'], '--max-records must be a whole number above 0, got "-5"'],
  [[...good, '--max-records=0'], '--max-records must be a whole number above 0, got "0"'],
  [[...good, '--render-timeout', '5 s'], '--render-timeout must be a duration'],
  [[...good, '--chat-template-kwargs', '[1]'], '--chat-template-kwargs must be a JSON object'],
  [[...good, '--no-such-flag'], "Unknown option '--no-such-flag'"],
  [[...good, 'stray'], "Unexpected argument 'stray'"],
])('%j is refused', (args, message) => {
  expect(() => readArguments(args)).toThrow(message)
})

test('help names every flag, and is asked for in three ways', () => {
  expect(readArguments(['--help'])).toBeUndefined()
  expect(readArguments(['-h'])).toBeUndefined()
  expect(readArguments(['--', '--help'])).toBeUndefined()
  for (const flag of [
    'model',
    'hf-repo',
    'local-path',
    'input-file',
    'output-path',
    'output-file',
    'table-name',
    'max-records',
  ])
    expect(help()).toContain(`  --${flag} `)
})
