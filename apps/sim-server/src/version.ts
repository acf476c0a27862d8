import manifest from '../package.json' with { type: 'json' }

/** The version of vllm-sim. */
export const version: string = manifest.version

/** The version that `GET /version` tells: that of the vLLM whose surface is spoken. */
export const vllmVersion = '0.27.1'
