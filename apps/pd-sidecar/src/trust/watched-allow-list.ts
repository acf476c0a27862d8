import {
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  ListWatch,
  Watch,
} from '@kubernetes/client-node'
import type { Clock, Timer } from '@vllm-sim/latency'
import { formatTarget, type Target } from '@vllm-sim/pd-protocol'
import { type Logger, StartError } from '@vllm-sim/service'
import type { AllowList } from './allow-list.ts'
import { type Pod, type Pool, readPool, targetsOf } from './pool.ts'

const group = 'inference.networking.k8s.io'
const version = 'v1'
const plural = 'inferencepools'
/** Pause before a watch that failed is begun anew, milliseconds. */
const restartAfter = 1000

/** A pod, as far as it is looked at. */
interface PodObject extends KubernetesObject {
  readonly status?: { readonly podIP?: string }
}

/** The pods of an InferencePool, watched: `host:port`, by address and by name. Until the pool is there nothing is allowed. */
export class WatchedAllowList implements AllowList {
  readonly #kube: KubeConfig
  readonly #namespace: string
  readonly #name: string
  readonly #clock: Clock
  readonly #log: Logger
  readonly #pools: Watched<KubernetesObject>
  #pods: Watched<PodObject> | undefined
  #pool: Pool | undefined
  #labels = ''
  #targets: ReadonlySet<string> = new Set()

  /**
   * @param pool `namespace/name`, or a name in the namespace `default`
   * @param kube how the cluster is reached; by default as `kubectl` does, or as a pod
   * @throws StartError when there is no cluster
   */
  constructor(pool: string, clock: Clock, log: Logger, kube: KubeConfig = defaultCluster()) {
    const [first = '', second] = pool.split('/')
    this.#namespace = second === undefined ? 'default' : first
    this.#name = second ?? first
    this.#kube = kube
    this.#clock = clock
    this.#log = log
    const api = kube.makeApiClient(CustomObjectsApi)
    const fieldSelector = `metadata.name=${this.#name}`
    const place = { group, version, namespace: this.#namespace, plural, fieldSelector }
    const path = `/apis/${group}/${version}/namespaces/${this.#namespace}/${plural}`
    const list = async () => (await api.listNamespacedCustomObject(place)) as KubernetesListObject<KubernetesObject>
    this.#pools = new Watched(kube, path, list, { fieldSelector }, clock, log, () => this.#poolChanged())
  }

  get ready(): boolean {
    return this.#pool !== undefined && this.#pods?.known === true
  }

  allows(target: Target): boolean {
    return this.#targets.has(formatTarget(target))
  }

  close(): void {
    this.#pools.stop()
    this.#pods?.stop()
  }

  #poolChanged(): void {
    const found = this.#pools.objects.find(({ metadata }) => metadata?.name === this.#name)
    try {
      this.#pool = found && readPool(found)
    } catch (error) {
      this.#pool = undefined
      this.#log.error(
        { pool: `${this.#namespace}/${this.#name}`, reason: (error as Error).message },
        'the InferencePool cannot be used',
      )
    }
    const labels = this.#pool === undefined ? '' : selectorOf(this.#pool.labels)
    if (labels !== this.#labels || this.#pool === undefined) {
      this.#pods?.stop()
      this.#pods = undefined
      this.#labels = labels
      if (this.#pool !== undefined) this.#pods = this.#watchPods(labels)
    }
    this.#update()
  }

  #watchPods(labelSelector: string): Watched<PodObject> {
    const api = this.#kube.makeApiClient(CoreV1Api)
    const namespace = this.#namespace
    const list = () => api.listNamespacedPod({ namespace, labelSelector }) as Promise<KubernetesListObject<PodObject>>
    const path = `/api/v1/namespaces/${namespace}/pods`
    return new Watched(this.#kube, path, list, { labelSelector }, this.#clock, this.#log, () => this.#update())
  }

  #update(): void {
    const pods = (this.#pods?.objects ?? []).map(
      ({ metadata, status }): Pod => ({ name: metadata?.name ?? '', ip: status?.podIP ?? '' }),
    )
    this.#targets = this.#pool === undefined ? new Set() : targetsOf(pods, this.#pool)
  }
}

/** Objects of one kind, listed and then watched; a watch that fails is begun anew. */
class Watched<T extends KubernetesObject> {
  readonly #watch: ListWatch<T>
  readonly #log: Logger
  readonly #clock: Clock
  #timer: Timer | undefined
  #stopped = false
  /** They were listed once. */
  known = false

  constructor(
    kube: KubeConfig,
    path: string,
    list: () => Promise<KubernetesListObject<T>>,
    { labelSelector, fieldSelector }: { labelSelector?: string; fieldSelector?: string },
    clock: Clock,
    log: Logger,
    changed: () => void,
  ) {
    this.#clock = clock
    this.#log = log
    const tell = (): void => {
      if (!this.#stopped) changed()
    }
    const listed = async () => {
      const all = await list()
      // The cache takes them over when this has been awaited.
      clock.soon(() => {
        this.known = true
        tell()
      })
      return all
    }
    this.#watch = new ListWatch<T>(path, new Watch(kube), listed, false, labelSelector, fieldSelector)
    this.#watch.on('change', tell)
    this.#watch.on('error', error => this.#failed(error))
    this.#start()
  }

  get objects(): readonly T[] {
    return this.#watch.list()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    void this.#watch.stop()
  }

  #start(): void {
    this.#watch.start().catch(error => this.#failed(error))
  }

  #failed(error: unknown): void {
    if (this.#stopped) return
    const reason = error instanceof Error ? error.message : String(error)
    this.#log.warn({ reason }, 'watching the cluster failed; it is tried again')
    this.#timer?.cancel()
    this.#timer = this.#clock.timer(restartAfter, () => this.#start())
  }
}

function selectorOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',')
}

function defaultCluster(): KubeConfig {
  const kube = new KubeConfig()
  try {
    kube.loadFromDefault()
  } catch (error) {
    throw new StartError(`failed to load the configuration of the cluster: ${(error as Error).message}`)
  }
  // What it falls back to when there is none.
  if (kube.getCurrentCluster()?.server === 'http://localhost:8080') {
    throw new StartError(
      '--enable-ssrf-protection with --inference-pool needs a cluster: set KUBECONFIG, run in a pod, or name the targets with --ssrf-allow',
    )
  }
  return kube
}
