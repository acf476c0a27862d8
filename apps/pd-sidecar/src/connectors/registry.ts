import type { ConnectorFactory } from './connector.ts'
import { mooncake } from './mooncake.ts'
import type { ConnectorName } from './names.ts'
import { nixlv2 } from './nixlv2.ts'
import { none } from './none.ts'
import { offloading } from './offloading.ts'
import { sglang } from './sglang.ts'
import { sharedStorage } from './shared-storage.ts'

/** The connectors by name: `--kv-connector`. */
export const connectors: Readonly<Record<ConnectorName, ConnectorFactory>> = {
  nixlv2,
  'shared-storage': sharedStorage,
  sglang,
  mooncake,
  offloading,
  none,
}
