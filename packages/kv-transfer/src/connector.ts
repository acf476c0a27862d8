import type {
  EngineObserver,
  GenerationRequest,
  HandOver,
  HeldBlocks,
  KvTransferParams,
  ObservedSequence,
} from '@vllm-sim/core-engine'
import { RequestError } from '@vllm-sim/core-engine'
import { freshBytes, type Timeline } from '@vllm-sim/latency'
import { Leases } from './leases.ts'
import { type RemoteBlocks, readParams, writeParams } from './params.ts'
import { SideChannelClient, type Taken } from './side-channel/client.ts'
import type { TakeAnswer, TakeRequest } from './side-channel/messages.ts'
import { SideChannelServer } from './side-channel/server.ts'
import { type KvTransfer, TransferLog } from './transfer.ts'

/** Where transfers are reported: two lines for each, at level info, and what goes wrong above. */
export interface TransferReport {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Counts what vLLM's `nixl_*` series show. */
export interface TransferCounter {
  /** A transfer is over. Times in seconds: of the transfer itself, and of asking for it. */
  transferred(tokens: number, blocks: number, seconds: number, postSeconds: number): void
  /** @param ends the request ends with it; otherwise its prompt is computed */
  failed(ends: boolean): void
  /** Nobody took blocks in time. */
  expired(): void
  /** Somebody asked for blocks that were given up. */
  askedAfterExpiry(): void
}

export interface NixlConnectorOptions {
  readonly engineId: string
  /** Hands blocks over; otherwise `do_remote_decode` is answered without parameters. */
  readonly producer: boolean
  /** Takes blocks; otherwise `do_remote_prefill` computes the prompt here. */
  readonly consumer: boolean
  /** What becomes of a request whose blocks cannot be taken. */
  readonly failurePolicy: 'fail' | 'recompute'
  /** How long blocks are held, milliseconds. */
  readonly leaseDuration: number
  /** The address that answers name; the port is known when the side channel is open. */
  readonly host: string
  /** Of the simulation. */
  readonly timeline: Timeline
  /** Of the machine's clock, for sockets. */
  readonly socketTimeline: Timeline
  readonly log: TransferReport
  readonly counter?: TransferCounter | undefined
}

/** A request whose blocks were asked for. */
export interface ReceivedRequest<R extends GenerationRequest> {
  /** The same, or one that computes its prompt here. */
  readonly request: R
  /** What became of it, in a few visible ASCII characters. */
  readonly note: string
}

/** `kv_transfer_params` of a request whose blocks were taken. */
class TakenBlocks {
  readonly doRemotePrefill = true
  readonly transfer: KvTransfer
  /** How long asking took, real milliseconds. */
  readonly askedFor: number
  readonly doRemoteDecode: boolean

  constructor(transfer: KvTransfer, askedFor: number, doRemoteDecode: boolean) {
    this.transfer = transfer
    this.askedFor = askedFor
    this.doRemoteDecode = doRemoteDecode
  }
}

/** Parameters of a client are logged up to this many characters. */
const longestShown = 400

/**
 * vLLM's NixlConnector, without GPUs and RDMA: a prefilling instance holds the blocks of a prompt and tells where, a decoding
 * one takes them over a side channel. What moves is the right to the blocks; the transfer's time is the latency model's.
 */
export class NixlConnector implements EngineObserver {
  readonly #options: NixlConnectorOptions
  readonly #transfers = new TransferLog()
  readonly #leases: Leases
  readonly #client: SideChannelClient
  readonly #server: SideChannelServer
  #port = 0

  constructor(options: NixlConnectorOptions) {
    this.#options = options
    this.#leases = new Leases(options.timeline, options.leaseDuration, transfer => this.#expire(transfer))
    this.#client = new SideChannelClient(options.socketTimeline)
    this.#server = new SideChannelServer(options.socketTimeline, request => this.#give(request))
  }

  /** The newest 1,000 transfers, the oldest first. */
  get transfers(): readonly KvTransfer[] {
    return this.#transfers.list()
  }

  /** Opens the side channel of an instance that hands blocks over. @param bind the address to listen on @throws Error of `node:net` */
  async open(bind: string, port: number): Promise<void> {
    if (this.#options.producer) this.#port = await this.#server.open(bind, port)
  }

  /** Nothing is handed over any more. */
  async close(): Promise<void> {
    if (this.#options.producer) await this.#server.close()
  }

  /** For the engine: holds the blocks of a prompt until they are taken or the lease ends. */
  get handOver(): HandOver | undefined {
    return this.#options.producer ? (sequence, blocks, now) => this.#hold(sequence, blocks, now) : undefined
  }

  /**
   * Takes the blocks of a request with `do_remote_prefill`, before it runs.
   * @param signal aborted when its client leaves
   * @throws RequestError 500 when they cannot be taken and the policy is `fail`
   * @throws the reason of `signal`
   */
  async receive<R extends GenerationRequest>(request: R, signal: AbortSignal): Promise<ReceivedRequest<R>> {
    const { kvTransfer } = request
    const remote = this.#options.consumer ? readParams(kvTransfer?.params) : undefined
    if (!remote) {
      if (this.#options.consumer) this.#warnOf(request, kvTransfer?.params)
      return { request: computedHere(request), note: 'computed' }
    }
    const transfer = this.#begin(request, remote)
    const { clock } = this.#options.socketTimeline
    const asked = clock.now()
    const taken = await this.#client.take(remote.peer, this.#question(remote), signal)
    if (signal.aborted) {
      transfer.status = 'aborted'
      throw signal.reason
    }
    const reason = failureOf(taken, remote)
    if (reason) return this.#recover(request, transfer, reason)
    transfer.taken_at = this.#options.timeline.clock.wall()
    transfer.tokens = 'tokens' in taken ? taken.tokens : 0
    this.#options.log.info(
      { transfer: transfer.id, from: transfer.peer, blocks: transfer.blocks, tokens: transfer.tokens },
      'KV blocks taken',
    )
    const fields = new TakenBlocks(transfer, clock.now() - asked, kvTransfer?.doRemoteDecode ?? false)
    return { request: { ...request, kvTransfer: fields }, note: `transferred; blocks=${transfer.blocks}` }
  }

  onTokens(sequence: ObservedSequence, _count: number, now: number): void {
    if (sequence.generatedTokens === 0) this.#arrived(sequence, now)
  }

  /** Answers without a token, and those that end before their first. */
  onFinished(sequence: ObservedSequence, { finishReason }: { readonly finishReason: string }, now: number): void {
    const { kvTransfer } = sequence.request
    if (!(kvTransfer instanceof TakenBlocks) || kvTransfer.transfer.status !== 'transferring') return
    if (finishReason === 'abort' || finishReason === 'error') kvTransfer.transfer.status = 'aborted'
    else this.#arrived(sequence, now)
  }

  #hold(sequence: ObservedSequence, blocks: HeldBlocks, now: number): KvTransferParams {
    const { engineId, host, log } = this.#options
    const { request, promptTokens, cachedTokens } = sequence
    const transfer: KvTransfer = {
      id: this.#freshId(request.id),
      role: 'prefill',
      engine_id: engineId,
      remote_engine_id: null,
      request_id: request.id,
      peer: null,
      status: 'held',
      reason: null,
      blocks: blocks.ids.length,
      tokens: promptTokens,
      arrived_at: this.#wall(sequence.arrivedAt),
      started_at: this.#wall(sequence.startedAt),
      done_at: this.#wall(now),
      taken_at: null,
    }
    this.#transfers.add(transfer)
    this.#leases.add(transfer, blocks, now)
    log.info({ transfer: transfer.id, blocks: transfer.blocks, tokens: promptTokens }, 'KV blocks held')
    return writeParams({
      engineId,
      requestId: transfer.id,
      host,
      port: this.#port,
      blockIds: blocks.ids,
      tokens: promptTokens,
      cachedTokens,
    })
  }

  /** As vLLM: the request's id and eight random digits. */
  #freshId(requestId: string): string {
    const id = `${requestId.slice(0, 256)}-${Buffer.from(freshBytes(4)).toString('hex')}`
    return this.#leases.has(id) ? this.#freshId(requestId) : id
  }

  #give({ engineId, requestId, decoderId }: TakeRequest): TakeAnswer {
    const { counter, log, timeline } = this.#options
    if (engineId !== this.#options.engineId) return { refused: 'unknown' }
    const transfer = this.#leases.take(requestId)
    if (!transfer) {
      const known = this.#transfers.held(requestId)
      if (known?.status === 'expired') counter?.askedAfterExpiry()
      return { refused: known?.status === 'expired' || known?.status === 'taken' ? known.status : 'unknown' }
    }
    transfer.status = 'taken'
    transfer.remote_engine_id = decoderId
    transfer.taken_at = timeline.clock.wall()
    log.info({ transfer: transfer.id, by: decoderId }, 'KV blocks given')
    return { blocks: transfer.blocks, tokens: transfer.tokens }
  }

  #expire(transfer: KvTransfer): void {
    transfer.status = 'expired'
    this.#options.counter?.expired()
    this.#options.log.warn(
      { transfer: transfer.id },
      `Releasing expired KV blocks for request ${transfer.id} which were retrieved by 0 remote worker(s) before lease expired.`,
    )
  }

  #begin(request: GenerationRequest, remote: RemoteBlocks): KvTransfer {
    const { host, port } = remote.peer
    const transfer: KvTransfer = {
      id: remote.requestId,
      role: 'decode',
      engine_id: this.#options.engineId,
      remote_engine_id: remote.engineId,
      request_id: request.id,
      peer: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      status: 'transferring',
      reason: null,
      blocks: remote.count,
      tokens: 0,
      arrived_at: this.#wall(request.arrival),
      started_at: null,
      done_at: null,
      taken_at: null,
    }
    this.#transfers.add(transfer)
    return transfer
  }

  #question({ engineId, requestId }: RemoteBlocks): TakeRequest {
    return { engineId, requestId, decoderId: this.#options.engineId }
  }

  /** vLLM's two ways out, with its texts. */
  #recover<R extends GenerationRequest>(
    request: R,
    transfer: KvTransfer,
    reason: NonNullable<KvTransfer['reason']>,
  ): ReceivedRequest<R> {
    const { counter, failurePolicy, log } = this.#options
    const fields = { transfer: transfer.id, from: transfer.peer, reason }
    let tokens = 0
    for (const prompt of request.prompts) tokens += prompt.tokenIds.length
    counter?.failed(failurePolicy === 'fail')
    transfer.reason = reason
    if (failurePolicy === 'fail') {
      transfer.status = 'failed'
      log.error(
        fields,
        `Failing 1 request(s) due to KV load failure (failure_policy=fail, ${tokens} tokens affected). Request IDs: {'${request.id}'}`,
      )
      throw new RequestError(500, 'Internal server error')
    }
    transfer.status = 'recomputed'
    log.warn(fields, `Recovered from KV load failure: 1 request(s) rescheduled (${tokens} tokens affected).`)
    return { request: computedHere(request), note: `recomputed; reason=${reason}` }
  }

  #warnOf(request: GenerationRequest, params: KvTransferParams | undefined): void {
    const shown = (JSON.stringify(params) ?? '{}').slice(0, longestShown)
    this.#options.log.warn(
      { request: request.id },
      `Got invalid KVTransferParams: ${shown}. This request will not utilize KVTransfer`,
    )
  }

  /** The first token is there: the transfer took its time. */
  #arrived({ request, startedAt }: ObservedSequence, now: number): void {
    const { kvTransfer } = request
    if (!(kvTransfer instanceof TakenBlocks) || kvTransfer.transfer.status !== 'transferring') return
    const { transfer, askedFor } = kvTransfer
    transfer.status = 'transferred'
    transfer.started_at = this.#wall(startedAt)
    transfer.done_at = this.#wall(now)
    this.#options.counter?.transferred(transfer.tokens, transfer.blocks, (now - startedAt) / 1000, askedFor / 1000)
  }

  /** Unix time of a time of the simulation's clock. */
  #wall(at: number): number {
    const { clock } = this.#options.timeline
    return clock.wall() + at - clock.now()
  }
}

function computedHere<R extends GenerationRequest>(request: R): R {
  return { ...request, kvTransfer: { ...request.kvTransfer, doRemotePrefill: false } }
}

function failureOf(taken: Taken, remote: RemoteBlocks): KvTransfer['reason'] {
  if ('failed' in taken) return taken.failed
  return taken.blocks === remote.count ? null : 'mismatch'
}
