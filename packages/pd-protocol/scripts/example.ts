import { nixlPrefillParams, parseTarget, prefillerHeaders, prefillOnly, takeTargets } from '@vllm-sim/pd-protocol'

const headers: Record<string, string[]> = { 'x-prefiller-host-port': ['10.0.0.5:8000, 10.0.0.6:8000'] }
const [first = ''] = takeTargets(prefillerHeaders, name => headers[name]) ?? []
console.log(JSON.stringify(parseTarget(first, 80))) // {"host":"10.0.0.5","port":8000}
console.log(JSON.stringify(prefillOnly('completions'))) // {"set":{"max_tokens":"1","stream":"false"},"remove":["stream_options","min_tokens"]}
console.log(nixlPrefillParams['do_remote_decode']) // true
