import { createHash } from 'node:crypto'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { type Entry, fromBuffer } from 'yauzl'
import { TokenizerArchive } from './archive.ts'

async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenizer-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

async function unzip(data: Buffer): Promise<Record<string, string>> {
  const zip = (await promisify<Buffer, object>(fromBuffer as never)(data)) as import('yauzl').ZipFile
  const files: Record<string, string> = {}
  const reading: Promise<void>[] = []
  zip.on('entry', (entry: Entry) => {
    const read = async () => {
      const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
        zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened))),
      )
      const pieces: Buffer[] = []
      for await (const piece of stream) pieces.push(piece as Buffer)
      files[entry.fileName] = Buffer.concat(pieces).toString()
    }
    reading.push(read())
  })
  await new Promise(resolve => zip.on('end', resolve))
  await Promise.all(reading)
  return files
}

test('the files of a tokenizer, links included, are in the archive; others are not', async () => {
  const long = 'vocabulary '.repeat(10_000)
  const folder = await directory({
    'tokenizer.json': long,
    'a.jinja': '{{ x }}',
    'README.md': 'no',
    'weights.bin': 'no',
  })
  await symlink(join(folder, 'README.md'), join(folder, 'config.json'))
  const archive = new TokenizerArchive(folder)
  const [{ data, sha256 }, again] = await Promise.all([archive.get(), archive.get()])
  expect(again.data).toBe(data)
  expect(sha256).toBe(createHash('sha256').update(data).digest('hex'))
  expect(await unzip(data)).toEqual({ 'tokenizer.json': long, 'a.jinja': '{{ x }}', 'config.json': 'no' })
  expect((await new TokenizerArchive(folder).get()).data).toEqual(data)
})

test('what is missing is told, and looked for again', async () => {
  await expect(new TokenizerArchive(undefined).get()).rejects.toThrow(
    'Tokenizer path is not configured on this server.',
  )
  const folder = await directory({ 'README.md': '' })
  const archive = new TokenizerArchive(folder)
  await expect(archive.get()).rejects.toThrow(`No tokenizer files found in ${folder}`)
  await writeFile(join(folder, 'tokenizer.json'), '{}')
  expect(await unzip((await archive.get()).data)).toEqual({ 'tokenizer.json': '{}' })
})

test('more files than a gateway takes are refused', async () => {
  const folder = await directory(Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`${i}.jinja`, ''])))
  await expect(new TokenizerArchive(folder).get()).rejects.toThrow('at most 50 files')
})
