import { parseArgs } from 'node:util'
import { KvEventSubscriber, messageLines } from '../index.ts'

const help = `Prints KV cache events, one JSON object per line.

  vllm-sim-kv-listener [options]

  --endpoint <e>  where the events come from (default tcp://*:5557, or port ZMQ_PORT of the environment)
  --connect       connect to the endpoint instead of binding it (the default for one without *)
  --bind          bind the endpoint even though it has no *
  --topic <t>     only topics that begin so, such as kv@10.0.0.1:8000@
  --replay <e>    the publisher's replay endpoint: begin with all it has, and ask for messages that are missed
  --help

Ends with 0 on SIGINT or SIGTERM, 1 when the endpoint cannot be used, 2 for wrong options.
`

function options() {
  const { values } = parseArgs({
    options: {
      endpoint: { type: 'string' },
      connect: { type: 'boolean' },
      bind: { type: 'boolean' },
      topic: { type: 'string' },
      replay: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.connect && values.bind) throw new Error('--connect and --bind exclude each other')
  const port = process.env['ZMQ_PORT'] || '5557'
  if (!values.endpoint && !/^\d+$/.test(port)) throw new Error(`ZMQ_PORT must be a port number, got ${port}`)
  return { ...values, endpoint: values.endpoint ?? `tcp://*:${port}` }
}

const say = (message: string) => process.stderr.write(`vllm-sim-kv-listener: ${message}\n`)

async function main(): Promise<number> {
  let chosen: ReturnType<typeof options>
  try {
    chosen = options()
  } catch (error) {
    say(`${(error as Error).message}\nTry --help`)
    return 2
  }
  if (chosen.help) {
    process.stdout.write(help)
    return 0
  }
  const { endpoint, connect, bind, topic, replay } = chosen
  const subscriber = new KvEventSubscriber({
    endpoint,
    bind: connect ? false : bind,
    topic: topic ?? '',
    replayEndpoint: replay,
    replayFrom: replay === undefined ? undefined : 0,
    onGap: gap => say(`messages ${gap.from} to ${gap.to} of ${gap.topic} are missing`),
    onProblem: say,
  })
  const stop = () => subscriber.close()
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  // The reader of the output has gone: that is its way of saying enough.
  process.stdout.on('error', stop)
  try {
    await subscriber.start()
    say(`listening on ${subscriber.endpoint}`)
    for await (const message of subscriber) {
      for (const line of messageLines(message)) process.stdout.write(`${line}\n`)
    }
  } catch (error) {
    say((error as Error).message)
    return 1
  }
  return 0
}

process.exitCode = await main()
