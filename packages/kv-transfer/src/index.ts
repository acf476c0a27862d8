export {
  NixlConnector,
  type NixlConnectorOptions,
  type ReceivedRequest,
  type TransferCounter,
  type TransferReport,
} from './connector.ts'
export type { KvTransfer, TransferStatus } from './transfer.ts'
