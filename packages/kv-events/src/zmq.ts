import type * as Zmq from 'zeromq'

/** Loads the native module when the first socket is wanted, so that those who send no events do not pay for it. */
export function loadZmq(): Promise<typeof Zmq> {
  return import('zeromq')
}

/** The 8 bytes, big-endian, by which sequence numbers travel. */
export function sequenceFrame(sequence: number): Buffer {
  const frame = Buffer.alloc(8)
  frame.writeBigUInt64BE(BigInt(sequence))
  return frame
}

/** In place of a sequence number: the end of a replay. */
export const endMark = Buffer.alloc(8, 0xff)

/** The error code that a failed socket operation has, such as `EADDRINUSE`; empty for other errors. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Binds or connects, with the endpoint in the error. */
export async function attach(socket: Zmq.Publisher | Zmq.Subscriber, endpoint: string, bind: boolean): Promise<void> {
  try {
    if (bind) await socket.bind(endpoint)
    else socket.connect(endpoint)
  } catch (error) {
    throw new Error(
      `cannot ${bind ? 'bind' : 'connect to'} the KV event endpoint ${endpoint}: ${(error as Error).message}. ` +
        (errorCode(error) === 'EADDRINUSE' ? 'Choose another port or stop what uses it' : 'Use e.g. tcp://host:5557'),
      { cause: error },
    )
  }
}

/** IPv6 must be switched on; only then, since not every machine has it. */
export function needsIpv6(endpoint: string): boolean {
  return endpoint.includes('[')
}
