import { join } from 'node:path'
import {
  type CallOptions,
  type ChannelCredentials,
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  type Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const root = join(import.meta.dirname, '../../../../proto')

const definitions = loadSync(
  ['vllm/grpc/engine/engine.proto', 'grpc/health/v1/health.proto', 'grpc/reflection/v1/reflection.proto'],
  { includeDirs: [root], keepCase: true, longs: String, enums: String, defaults: true, oneofs: true },
)

type AnyClient = Client & Record<string, unknown>
type ServiceConstructor = new (address: string, credentials: ChannelCredentials, options?: object) => AnyClient

/** What a call gave: its messages, and its status when that is not OK. */
export interface Answer<T = Record<string, never>> {
  readonly messages: T[]
  readonly error: ServiceError | undefined
}

/** A client that is not ours: `@grpc/grpc-js` with the definition as it is published in `proto/`. */
export class GrpcClient {
  readonly #client: AnyClient

  constructor(
    address: string,
    service = 'vllm.grpc.engine.VllmEngine',
    security: ChannelCredentials = credentials.createInsecure(),
  ) {
    const loaded = loadPackageDefinition(definitions)
    let at: unknown = loaded
    for (const part of service.split('.')) at = (at as Record<string, unknown>)[part]
    this.#client = new (at as ServiceConstructor)(address, security, {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
    })
  }

  /** The open stream of a call. */
  stream<T = Record<string, never>>(
    method: string,
    request: object,
    metadata?: Metadata,
    options: CallOptions = {},
  ): ClientReadableStream<T> {
    const call = this.#client[method] as (...args: unknown[]) => ClientReadableStream<T>
    return call.call(this.#client, request, ...(metadata ? [metadata] : []), options)
  }

  /** All messages of a server-streaming call. */
  async messages<T = Record<string, never>>(
    method: string,
    request: object,
    metadata?: Metadata,
    options?: CallOptions,
  ): Promise<Answer<T>> {
    const messages: T[] = []
    const call = this.stream<T>(method, request, metadata, options)
    try {
      for await (const message of call) messages.push(message as T)
      return { messages, error: undefined }
    } catch (error) {
      return { messages, error: error as ServiceError }
    }
  }

  /** The answer of a unary call. @throws ServiceError */
  unary<T = Record<string, never>>(method: string, request: object, metadata?: Metadata): Promise<T> {
    const call = this.#client[method] as (...args: unknown[]) => unknown
    return new Promise((resolve, reject) =>
      call.call(this.#client, request, ...(metadata ? [metadata] : []), (error: ServiceError | null, answer: T) =>
        error ? reject(error) : resolve(answer),
      ),
    )
  }

  close(): void {
    this.#client.close()
  }
}
