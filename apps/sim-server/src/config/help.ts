import { helpText } from '@vllm-sim/config'
import { options } from '../options/table.ts'

/** The text of `--help=TOPIC`. */
export function helpPage(topic: string): string {
  return helpText(options, topic, {
    head: ['Usage of vllm-sim flags:', '', '  vllm-sim serve MODEL [flags]', '  vllm-sim --model MODEL [flags]'],
    foot: [
      'Also: vllm-sim replay TRACE, vllm-sim calibrate RUN... and vllm-sim health, each with a --help of its own.',
      'Also: --help=WORD for the options that contain a word, --help=all for every option, those of vLLM that are',
      'accepted without effect included; --version; --no-NAME for each switch. Underscores in names equal dashes.',
    ],
  })
}
