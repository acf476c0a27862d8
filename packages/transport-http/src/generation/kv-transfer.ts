import { kvTransferMember } from '../output/kv-transfer.ts'
import { requestParams, type SharedWire } from './wire.ts'

export function kvTransferAnswer(body: SharedWire): string {
  return kvTransferMember(requestParams(body))
}
