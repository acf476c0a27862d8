import { EventStreamEditor, joined, readJson } from '@vllm-sim/json-edit'

const body = readJson(Buffer.from('{"seed": 9007199254740993, "stream": true, "stream_options": {}}'))
console.log(joined(body.edit({ set: { stream: 'false', max_tokens: '1' }, remove: ['stream_options'] })).toString()) // {"seed": 9007199254740993, "stream": false,"max_tokens":1}

const editor = new EventStreamEditor('"usage"', data => readJson(data).edit({ set: { usage: '{}' } }))
const frame = 'data: {"choices":[],"usage":{"prompt_tokens":9}}\n\n'
console.log(editor.push(Buffer.from(frame.slice(0, 20))).length) // 0
console.log(JSON.stringify(joined(editor.push(Buffer.from(frame.slice(20)))).toString())) // "data: {\"choices\":[],\"usage\":{}}\n\n"
