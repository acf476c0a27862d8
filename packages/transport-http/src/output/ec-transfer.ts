import type { PromptFeatures } from '@vllm-sim/core-engine'

/** Where the encoder's output can be fetched. There is none, so these are the reference's constants. */
const place =
  '{"peer_host":"DUMMY","peer_port":1234,"size_bytes":2359296,' +
  '"nixl_agent_metadata_b64":"TklYTF9NRVRBREFUQV9QTEFDRUhPTERFUg=="}'

/**
 * The value of `ec_transfer_params`: one member per image, audio or video of the prompt.
 * @returns undefined for a prompt without any
 */
export function ecTransferParams(features: Pick<PromptFeatures, 'mmHashes'> | undefined): string | undefined {
  const hashes = [...new Set(Object.values(features?.mmHashes ?? {}).flat())]
  if (hashes.length === 0) return undefined
  return `{${hashes.map(hash => `${JSON.stringify(hash)}:${place}`).join()}}`
}
