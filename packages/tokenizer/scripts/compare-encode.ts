/**
 * Our side of compare_python.py: reads `{texts, chats}` from the file named by the second argument, encodes everything with
 * the tokenizer in the directory named by the first, and prints the results as one line of JSON.
 */
import { readFileSync } from 'node:fs'
import { type ChatMessage, type ChatToolCall, loadHfTokenizer } from '../src/index.ts'

interface WireMessage {
  role: string
  content: string
  tool_call_id?: string
  reasoning_content?: string
  tool_calls?: { id: string; function: { name: string; arguments: string } }[]
}

interface WireChat {
  messages: WireMessage[]
  tools?: unknown[]
  add_generation_prompt: boolean
  kwargs: Record<string, unknown>
}

const [directory, itemsPath] = process.argv.slice(2)
if (!directory || !itemsPath) throw new Error('usage: compare-encode.ts DIRECTORY ITEMS_FILE')
const items = JSON.parse(readFileSync(itemsPath, 'utf8')) as { texts: string[]; chats: WireChat[] }
const tokenizer = await loadHfTokenizer(directory)

function toCall({
  id,
  function: { name, arguments: value },
}: NonNullable<WireMessage['tool_calls']>[number]): ChatToolCall {
  return { id, name, arguments: value }
}

function toMessage(message: WireMessage): ChatMessage {
  return {
    role: message.role,
    content: message.content,
    ...(message.tool_call_id ? { toolCallId: message.tool_call_id } : {}),
    ...(message.reasoning_content ? { reasoning: message.reasoning_content } : {}),
    ...(message.tool_calls ? { toolCalls: message.tool_calls.map(toCall) } : {}),
  }
}

const texts = []
for (const text of items.texts) {
  const { ids, pieces, offsets } = await tokenizer.encode(text, { addSpecialTokens: false, offsets: true })
  const detokenizer = tokenizer.detokenizer()
  const streamed = ids.map(id => detokenizer.push(id)).join('') + detokenizer.flush()
  texts.push({ ids, pieces: pieces.join(''), decoded: tokenizer.decode(ids), streamed, offsets: offsets ?? null })
}
const chats = []
for (const chat of items.chats) {
  const { ids, text } = await tokenizer.encodeChat({
    messages: chat.messages.map(toMessage),
    ...(chat.tools ? { tools: chat.tools } : {}),
    addGenerationPrompt: chat.add_generation_prompt,
    chatTemplateKwargs: chat.kwargs,
  })
  chats.push({ ids, text })
}
await tokenizer.close()
process.stdout.write(JSON.stringify({ texts, chats }))
