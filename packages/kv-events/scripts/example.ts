import { KvEventPublisher, KvEventSubscriber, messageLines } from '@vllm-sim/kv-events'

const [endpoint, topic] = ['tcp://127.0.0.1:*', 'kv@10.0.0.1:8000@my-model']
const publisher = new KvEventPublisher({ endpoint, topic, replayEndpoint: endpoint })
await publisher.start()
publisher.onCacheEvent({ type: 'BlockRemoved', hashes: [18446744073709551615n] })
await publisher.flush()
const { endpoint: live = '', replayEndpoint } = publisher
const subscriber = new KvEventSubscriber({ endpoint: live, topic: 'kv@', replayEndpoint, replayFrom: 0 })
await subscriber.start()
for await (const message of subscriber) {
  process.stdout.write(`${messageLines(message)}\n`)
  subscriber.close()
}
await publisher.close()
