import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { RealClock } from '@vllm-sim/latency'
import { createLog } from '@vllm-sim/service'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readPool, targetsOf } from './pool.ts'
import { WatchedAllowList } from './watched-allow-list.ts'

const pool = (labels: object, ...ports: number[]) => ({
  metadata: { name: 'p', namespace: 'ns' },
  spec: { selector: { matchLabels: labels }, targetPorts: ports.map(number => ({ number })) },
})

describe('a pool', () => {
  test('says which pods it has', () => {
    expect(readPool(pool({ app: 'x' }, 8000, 8001))).toEqual({ labels: { app: 'x' }, ports: [8000, 8001] })
    const pods = [
      { name: 'pod', ip: '10.0.0.1' },
      { name: 'new', ip: '' },
    ]
    expect([...targetsOf(pods, { labels: {}, ports: [8000] })]).toEqual(['10.0.0.1:8000', 'pod:8000'])
  })

  test.each([
    [{}, 'missing or invalid spec'],
    [{ spec: {} }, 'missing or invalid spec.selector'],
    [{ spec: { selector: { app: 'x' } } }, 'missing or invalid spec.selector.matchLabels'],
    [{ spec: { selector: { matchLabels: {} } } }, 'missing or invalid spec.targetPorts'],
    [pool({}, 70_000), 'missing or invalid spec.targetPorts'],
  ])('%j does not', (object, message) => {
    expect(() => readPool(object)).toThrow(message)
  })
})

/** A server with the two resources; its watches can be written to and broken. */
async function cluster() {
  const items: Record<'pools' | 'pods', object[]> = { pools: [], pods: [] }
  const watches: Record<'pools' | 'pods', ServerResponse[]> = { pools: [], pods: [] }
  const selectors: string[] = []
  let version = 1
  let gone = 0
  const server = createServer((req, res) => {
    const url = new URL(req.url!, 'http://x')
    const kind = url.pathname.endsWith('/pods') ? 'pods' : 'pools'
    if (kind === 'pods') selectors.push(url.searchParams.get('labelSelector') ?? '')
    res.setHeader('content-type', 'application/json')
    if (url.searchParams.get('watch') === null) {
      res.end(JSON.stringify({ kind: 'List', metadata: { resourceVersion: String(version) }, items: items[kind] }))
    } else if (gone > 0) {
      gone--
      res.writeHead(410).end(JSON.stringify({ kind: 'Status', code: 410 }))
    } else {
      watches[kind].push(res)
      res.flushHeaders()
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const kube = new KubeConfig()
  const { port } = server.address() as AddressInfo
  kube.loadFromClusterAndUser({ name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }, { name: 'u' })
  return {
    items,
    kube,
    selectors,
    /** Writes an event to all watches of a kind. */
    tell(kind: 'pools' | 'pods', type: string, object: { metadata: object }) {
      const metadata = { ...object.metadata, resourceVersion: String(++version) }
      for (const res of watches[kind])
        if (!res.destroyed) res.write(`${JSON.stringify({ type, object: { ...object, metadata } })}\n`)
    },
    watching: (kind: 'pools' | 'pods') => watches[kind].filter(res => !res.destroyed).length,
    /** Breaks all watches; the next ones are told that their version is gone. */
    expire() {
      gone = 2
      for (const res of [...watches.pools, ...watches.pods]) res.destroy()
      version += 10
    },
  }
}

const pod = (name: string, ip: string) => ({ metadata: { name, namespace: 'ns', uid: name }, status: { podIP: ip } })

test('pods are allowed while they are in the pool', async () => {
  const { items, kube, selectors, tell, watching, expire } = await cluster()
  const list = new WatchedAllowList('ns/p', new RealClock(), createLog({ level: 'silent', format: 'json' }), kube)
  onTestFinished(() => list.close())
  const allowed = (host: string, port = 8000) => list.allows({ host, port })
  await expect.poll(() => watching('pools')).toBe(1)
  expect([list.ready, allowed('10.0.0.1')]).toEqual([false, false])

  items.pods = [pod('a', '10.0.0.1')]
  tell('pools', 'ADDED', pool({ app: 'x', role: 'y' }, 8000))
  await expect
    .poll(() => [list.ready, allowed('10.0.0.1'), allowed('a'), allowed('10.0.0.1', 9)])
    .toEqual([true, true, true, false])
  expect(new Set(selectors)).toEqual(new Set(['app=x,role=y']))

  await expect.poll(() => watching('pods')).toBe(1)
  tell('pods', 'ADDED', pod('b', ''))
  tell('pods', 'MODIFIED', pod('b', '10.0.0.2'))
  tell('pods', 'DELETED', pod('a', '10.0.0.1'))
  await expect.poll(() => [allowed('10.0.0.1'), allowed('10.0.0.2')]).toEqual([false, true])

  // The version that was watched from is gone: they are listed anew.
  items.pools = [pool({ app: 'x', role: 'y' }, 8000)]
  items.pods = [pod('c', '10.0.0.3')]
  expire()
  await expect.poll(() => [allowed('10.0.0.2'), allowed('10.0.0.3')]).toEqual([false, true])

  await expect.poll(() => watching('pools')).toBe(1)
  tell('pools', 'DELETED', pool({ app: 'x', role: 'y' }, 8000))
  await expect.poll(() => [list.ready, allowed('10.0.0.3')]).toEqual([false, false])
})
