import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { attempt, goServer, onPath, run } from './tools.ts'

/** An API server of Kubernetes without nodes: it checks and keeps objects, and starts nothing. */
export class Cluster {
  /** For `kubectl` and `helm`. */
  readonly env: Readonly<Record<string, string>>
  readonly #folder: string
  readonly #processes: readonly ChildProcess[]

  private constructor(folder: string, processes: readonly ChildProcess[]) {
    this.#folder = folder
    this.#processes = processes
    this.env = { KUBECONFIG: path.join(folder, 'kubeconfig') }
  }

  static async start(): Promise<Cluster> {
    onPath('kubectl')
    onPath('openssl')
    const [etcd, apiServer] = [goServer('etcd'), goServer('kube-apiserver')]
    const folder = mkdtempSync(path.join(tmpdir(), 'vllm-sim-cluster-'))
    const [client, peer, secure] = await freePorts(3)
    const at = (name: string): string => path.join(folder, name)
    const url = (port: number | undefined): string => `http://127.0.0.1:${port}`
    writeFileSync(at('tokens'), 'token,admin,admin,system:masters\n')
    run('openssl', ['genrsa', '-out', at('accounts.key'), '2048'])
    writeFileSync(at('kubeconfig'), kubeconfig(secure!))
    const options = { stdio: 'ignore', cwd: folder } as const
    const processes = [
      spawn(
        etcd,
        [
          ...['--data-dir', at('etcd'), '--listen-client-urls', url(client), '--advertise-client-urls', url(client)],
          ...['--listen-peer-urls', url(peer), '--initial-advertise-peer-urls', url(peer)],
          ...['--initial-cluster', `default=${url(peer)}`],
        ],
        options,
      ),
      spawn(
        apiServer,
        [
          ...['--etcd-servers', url(client), '--secure-port', String(secure), '--cert-dir', at('certificates')],
          ...['--bind-address', '127.0.0.1', '--service-cluster-ip-range', '10.0.0.0/24'],
          ...['--token-auth-file', at('tokens'), '--authorization-mode', 'RBAC'],
          ...[
            '--service-account-key-file',
            at('accounts.key'),
            '--service-account-signing-key-file',
            at('accounts.key'),
          ],
          ...['--service-account-issuer', 'https://kubernetes.default.svc'],
          // Nobody makes the accounts that it asks for.
          ...['--disable-admission-plugins', 'ServiceAccount'],
        ],
        options,
      ),
    ]
    const cluster = new Cluster(folder, processes)
    try {
      await cluster.#ready()
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  async #ready(): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if (attempt('kubectl', ['get', '--raw', '/readyz'], { env: this.env }).stdout === 'ok') return
      if (this.#processes.some(({ exitCode }) => exitCode !== null)) break
      await setTimeout(200)
    }
    throw new Error('the API server did not come up')
  }

  async stop(): Promise<void> {
    for (const child of [...this.#processes].reverse()) {
      if (child.exitCode !== null) continue
      const ended = once(child, 'close')
      child.kill('SIGKILL')
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function kubeconfig(port: number): string {
  const name = 'verify'
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token: 'token' } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  })
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map(server => once(server, 'listening')))
  const ports = servers.map(server => (server.address() as { port: number }).port)
  for (const server of servers) server.close()
  return ports
}
