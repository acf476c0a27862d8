import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DownloadError, download } from '@vllm-sim/download'

const server = createServer((_, response) => response.setHeader('etag', '"v1"').end('ten bytes!'))
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
const path = join(await mkdtemp(join(tmpdir(), 'example-')), 'file')

await download({ url, path, onProgress: ({ received, total }) => console.log(received, 'of', total) })
try {
  await download({ url, path, checksum: '0'.repeat(64), environment: process.env })
} catch (error) {
  if (error instanceof DownloadError) console.log(error.code)
}
server.close()
// 0 of 10
// 10 of 10
// checksum
