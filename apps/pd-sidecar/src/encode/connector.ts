import type { JsonBytes, JsonText } from '@vllm-sim/json-edit'
import type { EncodeConnectorName } from './names.ts'

/** What encoders' answers mean for the legs after them. */
export interface EncodeConnector {
  readonly name: EncodeConnectorName
  /**
   * Members for the body of the legs that follow.
   * @param answers of the encoders, in the order of the items; read only when `reads`
   */
  members(answers: readonly JsonText[]): Readonly<Record<string, JsonBytes>>
  /** Answers must be JSON; otherwise only their status counts. */
  readonly reads: boolean
}
