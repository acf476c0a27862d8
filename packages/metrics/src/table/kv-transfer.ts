import { kvBytesBounds, kvDescriptorBounds, kvPostBounds, kvTransferBounds } from '../bounds.ts'
import type { MetricRow } from './row.ts'

/** What vLLM's NixlConnector reports; shown by instances that have one. */
export const kvTransferRows = {
  nixlTransferTime: {
    name: 'vllm:nixl_xfer_time_seconds',
    type: 'histogram',
    help: 'Histogram of transfer duration for NIXL KV Cache transfers.',
    bounds: kvTransferBounds,
    shownWith: 'nixl',
  },
  nixlPostTime: {
    name: 'vllm:nixl_post_time_seconds',
    type: 'histogram',
    help: 'Histogram of transfer post time for NIXL KV Cache transfers.',
    bounds: kvPostBounds,
    shownWith: 'nixl',
  },
  nixlBytes: {
    name: 'vllm:nixl_bytes_transferred',
    type: 'histogram',
    help: 'Histogram of bytes transferred per NIXL KV Cache transfers.',
    bounds: kvBytesBounds,
    shownWith: 'nixl',
  },
  nixlDescriptors: {
    name: 'vllm:nixl_num_descriptors',
    type: 'histogram',
    help: 'Histogram of number of descriptors per NIXL KV Cache transfers.',
    bounds: kvDescriptorBounds,
    shownWith: 'nixl',
  },
  nixlFailedTransfers: {
    name: 'vllm:nixl_num_failed_transfers_total',
    type: 'counter',
    help: 'Number of failed NIXL KV Cache transfers.',
    shownWith: 'nixl',
  },
  nixlFailedNotifications: {
    name: 'vllm:nixl_num_failed_notifications_total',
    type: 'counter',
    help: 'Number of failed NIXL KV Cache notifications.',
    shownWith: 'nixl',
  },
  nixlExpired: {
    name: 'vllm:nixl_num_kv_expired_reqs_total',
    type: 'counter',
    help: 'Number of requests that had their KV expire. NOTE: This metric is tracked on the P instance.',
    shownWith: 'nixl',
  },
  nixlAskedAfterExpiry: {
    name: 'vllm:nixl_num_notifications_after_expiry_total',
    type: 'counter',
    help: 'Number of times that KV was asked for after it had expired, on the P instance.',
    shownWith: 'nixl',
  },
} as const satisfies Record<string, MetricRow>
