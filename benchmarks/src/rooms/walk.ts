import type { Inspector } from './inspector.ts'

/** A function was entered: its file, and the file of the function of ours that called it, if any. Relative paths. */
export interface Step {
  readonly file: string
  readonly from: string | undefined
  /** Milliseconds. */
  readonly at: number
}

interface Coverage {
  readonly result: readonly {
    readonly scriptId: string
    readonly url: string
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[]
    }[]
  }[]
}

interface Place {
  readonly scriptId: string
  readonly lineNumber: number
  readonly columnNumber?: number
}

const root = new URL('../../../', import.meta.url).href
/** Node takes types out by putting spaces in their place, so offsets are those of the source. */
const ours = /^(packages|apps)\/[^/]+\/src\//

/**
 * Every call of a function of this repository while `run` runs, in order. `run` is called twice: first to find the
 * functions that it calls, then to see their order, by breakpoints that never stop.
 */
export async function walk(inspector: Inspector, run: () => Promise<void>): Promise<readonly Step[]> {
  await inspector.call('Profiler.enable')
  await inspector.call('Debugger.enable')
  await inspector.call('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await run()
  const { result } = await inspector.call<Coverage>('Profiler.takePreciseCoverage')
  await inspector.call('Profiler.stopPreciseCoverage')
  await inspector.evaluate('globalThis.steps = []; Error.stackTraceLimit = 100; 0')
  for (const { scriptId, url, functions } of result) {
    const file = url.startsWith(root) ? url.slice(root.length) : ''
    if (!ours.test(file)) continue
    const { scriptSource } = await inspector.call<{ scriptSource: string }>('Debugger.getScriptSource', { scriptId })
    const place = placesIn(scriptSource, scriptId)
    for (const { ranges } of functions) {
      const { startOffset, endOffset, count } = ranges[0]!
      if (count > 0) await watch(inspector, file, place(startOffset), place(endOffset))
    }
  }
  await run()
  const steps = await inspector.evaluate<{ file: string; at: number; stack: string }[]>('globalThis.steps')
  return steps.map(({ file, at, stack }) => ({ file, at, from: caller(stack) }))
}

/** Notes each call of the function between these places. */
async function watch(inspector: Inspector, file: string, start: Place, end: Place): Promise<void> {
  const { locations } = await inspector.call<{ locations: Place[] }>('Debugger.getPossibleBreakpoints', {
    start,
    end,
    restrictToFunction: true,
  })
  const [first] = locations
  if (!first) return
  const step = `{ file: ${JSON.stringify(file)}, at: performance.now(), stack: new Error().stack }`
  // Where two functions begin at one place there is one breakpoint for both.
  await inspector
    .call('Debugger.setBreakpoint', { location: first, condition: `steps.push(${step}) < 0` })
    .catch(() => {})
}

function placesIn(source: string, scriptId: string): (offset: number) => Place {
  const starts = [0]
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1)
  return offset => {
    let lineNumber = 0
    while (lineNumber + 1 < starts.length && starts[lineNumber + 1]! <= offset) lineNumber++
    return { scriptId, lineNumber, columnNumber: offset - starts[lineNumber]! }
  }
}

/** The file of ours that called the function whose breakpoint made the stack: it follows the breakpoint and the function. */
function caller(stack: string): string | undefined {
  const files = stack.split('\n').flatMap(line => line.match(/file:\/\/[^:]+/)?.[0] ?? [])
  return files[2]?.slice(root.length)
}
