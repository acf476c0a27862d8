import manifest from '../package.json' with { type: 'json' }

/** The version of the sidecar. */
export const version: string = manifest.version
