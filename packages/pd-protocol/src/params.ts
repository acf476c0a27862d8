// `kv_transfer_params` of each connector, as values: what vLLM's connectors and llm-d's sidecar call them.

type Params = Readonly<Record<string, unknown>>

/** Asks a prefiller with NIXL to keep the blocks. Members that are not known yet are null, not missing. */
export const nixlPrefillParams: Params = {
  do_remote_decode: true,
  do_remote_prefill: false,
  remote_engine_id: null,
  remote_block_ids: null,
  remote_host: null,
  remote_port: null,
}

/** Members that SGLang wants in both bodies. @param room JSON integer, see `sglangRoom` */
export function sglangMembers(host: string, port: number, room: string): Readonly<Record<string, string>> {
  return { bootstrap_host: JSON.stringify(host), bootstrap_port: String(port), bootstrap_room: room }
}

/** A rank of a Mooncake prefiller. */
export interface MooncakeEngine {
  readonly rank: string
  readonly engineId: string
}

export function mooncakePrefillParams(transferId: string): Params {
  return { do_remote_prefill: false, do_remote_decode: true, transfer_id: transferId }
}

/** @param bootstrap URL of the prefiller's bootstrap server */
export function mooncakeDecodeParams(transferId: string, bootstrap: string, { engineId }: MooncakeEngine): Params {
  return {
    do_remote_prefill: true,
    do_remote_decode: false,
    transfer_id: transferId,
    remote_bootstrap_addr: bootstrap,
    remote_engine_id: engineId,
  }
}

/** A prefix that a peer has in its cache is to be pulled from there. */
export function pullBlock(id: string, host: string, port: number): Params {
  return { remote_kv_source: { kv_request_id: id, remote_host: host, remote_port: port } }
}

/** Offloading with its peer-to-peer tier. */
export function offloadingPrefillParams(id: string): Params {
  return { remote_decoder: { kv_request_id: id } }
}

export function offloadingDecodeParams(id: string, host: string, port: number): Params {
  return { remote_prefiller: { kv_request_id: id, remote_host: host, remote_port: port } }
}

/** One side of a MoRI-IO transfer. */
export interface MoriioSide {
  readonly host: string
  readonly notifyPort: number
  readonly handshakePort: number
  /** Pods of a group that spans several; empty otherwise. */
  readonly hosts: readonly string[]
}

interface MoriioTransfer {
  readonly transferId: string
  readonly rank: number
  readonly tpSize: number
  readonly dpSize: number
  /** Ranks of a pod; 0: unknown. */
  readonly dpSizeLocal: number
}

/** WRITE mode: the prefiller pushes its blocks to the decoder. */
export function moriioPrefillParams(decode: MoriioSide, transfer: MoriioTransfer): Params {
  return {
    ...nixlPrefillParams,
    remote_host: decode.host,
    remote_notify_port: decode.notifyPort,
    remote_handshake_port: decode.handshakePort,
    remote_dp_rank: transfer.rank,
    remote_dp_rank_override: true,
    transfer_id: transfer.transferId,
    tp_size: transfer.tpSize,
    remote_dp_size: transfer.dpSize,
    ...podsOf(decode, transfer),
  }
}

/** What the decode leg has when the prefiller's answer does not say it. */
export function moriioDecodeDefaults(
  decode: MoriioSide,
  prefillHosts: readonly string[],
  transfer: MoriioTransfer,
): Params {
  return {
    transfer_id: transfer.transferId,
    remote_notify_port: decode.notifyPort,
    remote_handshake_port: decode.handshakePort,
    remote_dp_size: transfer.dpSize,
    ...podsOf({ ...decode, hosts: prefillHosts }, transfer),
  }
}

/** The decode leg that starts together with the prefill leg. */
export function moriioParallelDecodeParams(prefill: MoriioSide, transfer: MoriioTransfer): Params {
  return {
    do_remote_prefill: true,
    do_remote_decode: false,
    remote_engine_id: `${prefill.host}:${prefill.handshakePort}`,
    remote_block_ids: [],
    remote_host: prefill.host,
    remote_port: prefill.handshakePort,
    remote_handshake_port: prefill.handshakePort,
    remote_notify_port: prefill.notifyPort,
    remote_dp_rank: transfer.rank,
    remote_dp_rank_override: true,
    transfer_id: transfer.transferId,
    tp_size: transfer.tpSize,
    remote_dp_size: transfer.dpSize,
    ...podsOf(prefill, transfer),
  }
}

function podsOf({ hosts }: MoriioSide, { dpSizeLocal }: MoriioTransfer): Params {
  if (hosts.length === 0) return {}
  return { remote_hosts: hosts, ...(dpSizeLocal > 0 ? { remote_dp_size_local: dpSizeLocal } : undefined) }
}
