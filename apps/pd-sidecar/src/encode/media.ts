import { type JsonText, readJson } from '@vllm-sim/json-edit'
import { type ApiType, mediaKinds } from '@vllm-sim/pd-protocol'
import { objectOf } from '../proxy/body.ts'

/** Where an API's messages are, and in which form media stand in them. */
interface MediaPlace {
  readonly messages: string
  /** The content part of a chat request for a part of this API, or undefined: it is no media. */
  readonly toChat: (part: JsonText) => { readonly text: Buffer | string; readonly url: string | undefined } | undefined
}

const chat: MediaPlace = {
  messages: 'messages',
  toChat(part) {
    const type = part.read('type')
    if (typeof type !== 'string' || !mediaKinds.has(type)) return undefined
    const url = objectOf(part.get(type))?.read('url')
    return { text: part.bytes, url: typeof url === 'string' ? url : undefined }
  },
}

const responses: MediaPlace = {
  messages: 'input',
  toChat(part) {
    const url = part.read('type') === 'input_image' ? part.read('image_url') : undefined
    return typeof url === 'string' ? imageAt(url) : undefined
  },
}

const messages: MediaPlace = {
  messages: 'messages',
  toChat(part) {
    const source = part.read('type') === 'image' ? objectOf(part.get('source')) : undefined
    if (source === undefined) return undefined
    const url =
      source.read('type') === 'url'
        ? source.read('url')
        : `data:${source.read('media_type')};base64,${source.read('data')}`
    return typeof url === 'string' ? imageAt(url) : undefined
  },
}

const places: Readonly<Partial<Record<ApiType, MediaPlace>>> = { chat_completions: chat, responses, messages }

function imageAt(url: string): { text: string; url: string } {
  return { text: JSON.stringify({ type: 'image_url', image_url: { url } }), url }
}

/** The media of a request as content parts of a chat request, in order; what has the URL of an earlier one is left out. */
export function mediaItems(api: ApiType, body: JsonText): (Buffer | string)[] {
  const place = places[api]
  const list = place && body.get(place.messages)
  if (list === undefined || list[0] !== 0x5b) return []
  const seen = new Set<string>()
  const items: (Buffer | string)[] = []
  for (const message of readJson(list).elements) {
    const content = objectOf(message)?.get('content')
    if (content === undefined || content[0] !== 0x5b) continue
    for (const element of readJson(content).elements) {
      const part = objectOf(element)
      const item = part && place!.toChat(part)
      if (item === undefined || (item.url !== undefined && seen.has(item.url))) continue
      if (item.url !== undefined) seen.add(item.url)
      items.push(item.text)
    }
  }
  return items
}
