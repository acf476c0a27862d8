import type { SharedBody } from './sampling.ts'

/** What a prefilling instance tells the decoding one. There is no real cache to fetch, so the values are constants. */
const answer =
  ',"kv_transfer_params":{"do_remote_decode":false,"do_remote_prefill":true,"remote_engine_id":"DUMMY_ID",' +
  '"remote_block_ids":["DUMMY_ID"],"remote_host":"DUMMY","remote_port":1234,"tp_size":1}'

/** The member of a body that answers `do_remote_decode`, with the comma before it; empty otherwise. */
export function kvTransferAnswer(body: SharedBody): string {
  return body.kv_transfer_params?.do_remote_decode ? answer : ''
}
