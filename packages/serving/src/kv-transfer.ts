/** What a prefilling instance tells the decoding one. There is no real cache to fetch, so the values are constants. */
export const kvTransferAnswer = {
  do_remote_decode: false,
  do_remote_prefill: true,
  remote_engine_id: 'DUMMY_ID',
  remote_block_ids: ['DUMMY_ID'],
  remote_host: 'DUMMY',
  remote_port: 1234,
  tp_size: 1,
} as const
