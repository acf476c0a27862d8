import { joined, readJson } from '@vllm-sim/json-edit'
import { objectOf } from '../proxy/body.ts'
import type { EncodeConnector } from './connector.ts'
import type { EncodeConnectorName } from './names.ts'

/** A storage that encoders and engines share: nothing has to be told. */
const example: EncodeConnector = { name: 'ec-example', reads: false, members: () => ({}) }

/** NIXL: each encoder's answer says where its embeddings are, by hash of the media; the engine gets all of them. */
const nixl: EncodeConnector = {
  name: 'ec-nixl',
  reads: true,
  members(answers) {
    const set: Record<string, Buffer> = {}
    for (const answer of answers) {
      const params = objectOf(answer.get('ec_transfer_params'))
      for (const name of params?.names ?? []) set[name] = params!.get(name)!
    }
    if (Object.keys(set).length === 0) return {}
    return { ec_transfer_params: joined(readJson(Buffer.from('{}')).edit({ set })) }
  },
}

/** The encode connectors by name: `--ec-connector`. */
export const encodeConnectors: Readonly<Record<EncodeConnectorName, EncodeConnector>> = {
  'ec-example': example,
  'ec-nixl': nixl,
}
