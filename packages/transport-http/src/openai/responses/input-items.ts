import { RequestError } from '@vllm-sim/core-engine'
import type { InputItem } from './input.ts'
import type { ResponseRecord } from './response.ts'

/** Items on one page: usual number and most. */
const usualLimit = 20
const mostItems = 100

/**
 * One page of the input items of a response: `limit`, `order` (`asc`, or `desc` as usual) and `after`, an item's id.
 * @throws RequestError 400
 */
export function inputItemPage(record: ResponseRecord, query: URLSearchParams): object {
  const limit = Number(query.get('limit') ?? usualLimit)
  if (!Number.isInteger(limit) || limit < 1 || limit > mostItems) {
    throw new RequestError(400, `limit must be an integer from 1 to ${mostItems}, got ${query.get('limit')}.`, 'limit')
  }
  const order = query.get('order') ?? 'desc'
  if (order !== 'asc' && order !== 'desc') {
    throw new RequestError(400, `order must be asc or desc, got ${JSON.stringify(order)}.`, 'order')
  }
  const items = record.input.map((item, at) => complete(item, `${record.id.slice('resp_'.length)}_${at}`))
  if (order === 'desc') items.reverse()
  const after = query.get('after')
  const start = after === null ? 0 : items.findIndex(item => item['id'] === after) + 1
  if (after !== null && start === 0) {
    throw new RequestError(400, `after must be the id of an input item, got ${JSON.stringify(after)}.`, 'after')
  }
  const data = items.slice(start, start + limit)
  return {
    object: 'list',
    data,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: start + limit < items.length,
  }
}

/** Prefixes of the ids of items that came without one. */
const prefixes: Readonly<Record<string, string>> = {
  message: 'msg_',
  function_call: 'fc_',
  function_call_output: 'fco_',
  reasoning: 'rs_',
}

/** An item with the members that a list shows. */
function complete(item: InputItem, bareId: string): Record<string, unknown> {
  const type = String(item['type'] ?? 'message')
  const { content, role } = item
  const partType = role === 'assistant' ? 'output_text' : 'input_text'
  return {
    ...item,
    type,
    id: item['id'] ?? `${prefixes[type]}${bareId}`,
    status: item['status'] ?? 'completed',
    ...(type === 'message' && typeof content === 'string'
      ? {
          content: [
            {
              type: partType,
              text: content,
              ...(role === 'assistant' ? { annotations: [], logprobs: [] } : undefined),
            },
          ],
        }
      : undefined),
  }
}
