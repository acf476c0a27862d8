/** Types of content parts of a chat request that an encoder works on. */
export const mediaKinds: ReadonlySet<string> = new Set(['image_url', 'audio_url', 'video_url', 'input_audio'])
