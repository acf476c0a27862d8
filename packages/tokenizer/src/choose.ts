import type { StartTimer } from '@vllm-sim/download'
import type { ChosenTokenizer, TokenizerChoice } from './choice.ts'
import { TokenizerError } from './errors.ts'
import type { RealTokenizers } from './real.ts'
import { SlicedTokenizer } from './sliced.ts'
import { pauseOf } from './slices.ts'

/**
 * Makes the tokenizer for a server.
 *
 * `auto` takes, in this order: simulated if forced; the files of a directory; the files in a cache; the hub's, if it knows the
 * model within `probeTimeoutMs`; simulated. "The files" means in process, or the render service if one was given. It does not
 * fail for want of a network, and never waits longer than the probe and a download that makes progress.
 *
 * The other modes do what they say or fail.
 * @throws TokenizerError that says what is missing and what can be done
 */
export async function chooseTokenizer(choice: TokenizerChoice): Promise<ChosenTokenizer> {
  const mode = choice.mode ?? 'auto'
  if (choice.forceSimulated) return simulated('--force-dummy-tokenizer is set', choice.startTimer)
  if (mode === 'simulated') return simulated('--tokenizer-mode simulated', choice.startTimer)
  // Loaded only when files or services come into play.
  const { RealTokenizers: Real } = await import('./real.ts')
  const real = new Real(choice)
  if (mode === 'render') return real.render('--tokenizer-mode render', await real.findFiles())
  if (mode === 'hf') {
    const files = (await real.findFiles()) ?? (await real.download())
    return real.inProcess(files, '--tokenizer-mode hf')
  }
  return automatic(choice, real)
}

function simulated(why: string, startTimer: StartTimer): ChosenTokenizer {
  return { tokenizer: new SlicedTokenizer(pauseOf(startTimer)), reason: `tokenizer: simulated (${why})` }
}

async function automatic(choice: TokenizerChoice, real: RealTokenizers): Promise<ChosenTokenizer> {
  const files = await real.findFiles()
  if (files) {
    if (choice.renderUrl) return real.render(`--render-url is set and the files are ${files.origin}`, files)
    try {
      return await real.inProcess(files, `the files are ${files.origin}`)
    } catch (error) {
      if (files.explicit || !(error instanceof TokenizerError)) throw error
      return simulated(error.message, choice.startTimer)
    }
  }
  const forbidden = real.mayProbe()
  if (forbidden !== undefined) return simulated(forbidden, choice.startTimer)
  const probe = await real.probe()
  if (!probe.exists) return simulated(`the hub ${probe.detail} for ${real.name}`, choice.startTimer)
  if (choice.renderUrl) return real.render(`--render-url is set and the hub knows ${real.name}`)
  try {
    return await real.inProcess(await real.download(), `the hub knows ${real.name}`)
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error
    return simulated(error.message, choice.startTimer)
  }
}
