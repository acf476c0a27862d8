import {
  Engine,
  FnvHasher,
  type GenerationRequest,
  type LatencyOptions,
  latencyModel,
  noLatency,
  type Outcome,
  PrefixCache,
  presetSentences,
  randomMode,
  Timeline,
  Token,
  VirtualClock,
} from '@vllm-sim/core-engine'
import { NixlConnector, type NixlConnectorOptions, type TransferCounter } from '../index.ts'
import { PatientClock } from './patient-clock.ts'

const text = randomMode(presetSentences.map(sentence => [new Token(1, sentence)]))

/** What a counter was told. */
export class Counts implements TransferCounter {
  readonly transfers: { tokens: number; blocks: number; seconds: number }[] = []
  failures = 0
  expiries = 0
  late = 0

  transferred(tokens: number, blocks: number, seconds: number): void {
    this.transfers.push({ tokens, blocks, seconds })
  }

  failed(): void {
    this.failures++
  }

  expired(): void {
    this.expiries++
  }

  askedAfterExpiry(): void {
    this.late++
  }
}

export interface InstanceOptions extends Partial<NixlConnectorOptions> {
  readonly latency?: Partial<LatencyOptions>
}

/** An engine on a virtual clock with a connector, whose side channel is a real one. */
export class Instance {
  readonly clock = new VirtualClock()
  readonly counts = new Counts()
  readonly lines: string[] = []
  readonly connector: NixlConnector
  readonly engine: Engine

  constructor({ latency, ...options }: InstanceOptions = {}) {
    const timeline = new Timeline(this.clock)
    const write = (fields: object, message: string): void => {
      this.lines.push(`${message} ${JSON.stringify(fields)}`)
    }
    this.connector = new NixlConnector({
      engineId: 'engine',
      producer: true,
      consumer: true,
      failurePolicy: 'recompute',
      leaseDuration: 30_000,
      host: '127.0.0.1',
      timeline,
      socketTimeline: new Timeline(new PatientClock()),
      log: { info: write, warn: write, error: write },
      counter: this.counts,
      ...options,
    })
    this.engine = new Engine({
      timeline,
      seed: 1,
      maxNumSeqs: 100,
      maxWaiting: 10_000,
      maxModelLen: 1024,
      latency: latencyModel({ ...noLatency, ...latency, maxNumSeqs: 100 }),
      text,
      cache: new PrefixCache({ size: 64, blockSize: 4, hasher: new FnvHasher('') }),
      handOver: this.connector.handOver,
      observers: [this.connector],
    })
  }

  open(): Promise<void> {
    return this.connector.open('127.0.0.1', 0)
  }

  /** Runs a request of 10 tokens, which are 2 blocks and a half, to its end. */
  run(request: Partial<GenerationRequest> = {}): Outcome {
    let outcome: Outcome | undefined
    this.engine.submit(this.request(request), {
      onTokens: () => true,
      onFinish: (_sequence, end) => {
        outcome = end
      },
    })
    while (outcome === undefined && this.clock.step());
    return outcome!
  }

  request(request: Partial<GenerationRequest> = {}): GenerationRequest {
    return {
      id: 'r',
      model: 'm',
      prompts: [{ tokenIds: Array.from({ length: 10 }, (_, at) => at) }],
      n: 1,
      limits: { maxTokens: 1 },
      arrival: this.clock.now(),
      ...request,
    }
  }

  /** Parameters by which the blocks of a prompt are found that was prefilled just now. */
  prefill(id = 'r'): Readonly<Record<string, unknown>> {
    return this.run({ id, kvTransfer: { doRemoteDecode: true } }).kvTransferParams!
  }
}

/** A signal that nobody aborts. */
export const patient = new AbortController().signal
