/** The image that omni answers contain: one pixel, PNG, as the inside of a JSON string. */
const url =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** The image as a content part. */
export const imagePart = `{"type":"image_url","image_url":{"url":"${url}"}}`
