import { bool, choice, group, ignored, int, option, pair, text } from '@vllm-sim/config'

const levels = choice('', 'trace', 'debug', 'info', 'warn', 'error', 'silent')

/** Levels in any case, those of Python included. */
const logLevel: typeof levels = {
  ...levels,
  parse: word => levels.parse(PYTHON_LEVELS[word.toLowerCase()] ?? word.toLowerCase(), () => {}),
  read: (node, warn) => logLevel.parse(levels.read(node, warn), warn),
}

const PYTHON_LEVELS: Readonly<Record<string, string>> = { warning: 'warn', critical: 'error', notset: 'trace' }

export const logging = group('Logging', {
  v: option(int, {
    default: 2,
    short: ['v'],
    help: 'Verbosity: 1 warnings, 2 life cycle, 4 one line per request, 5 everything',
  }),
  'log-level': option(logLevel, {
    default: '',
    oneOf: levels.words,
    env: 'VLLM_LOGGING_LEVEL',
    defaultText: 'by verbosity',
    help: 'Least important level that is logged; wins over -v',
  }),
  'log-format': option(choice('text', 'json'), {
    default: 'text',
    oneOf: ['text', 'json'],
    help: 'Log lines for people or as JSON',
  }),
  'log-http': option(bool, {
    default: false,
    shown: true,
    help: 'Log whole HTTP exchanges, credentials included',
  }),
  'enable-log-requests': option(pair, { default: false, help: 'Log one line per request at the default level' }),
  'disable-log-stats': option(pair, { default: false, help: 'No periodic line with throughput and queue lengths' }),
})

/** The logging flags of klog, which the reference takes and which have no effect here. */
export const klog = group('Logging flags of klog', {
  'add-dir-header': ignored(bool, 'Directory in the header of log lines'),
  alsologtostderr: ignored(bool, 'Log to stderr and files'),
  alsologtostderrthreshold: ignored(text, 'Level from which lines go to stderr as well'),
  'legacy-stderr-threshold-behavior': ignored(bool, 'Old meaning of stderrthreshold'),
  'log-backtrace-at': ignored(text, 'Stack trace when a line is reached'),
  'log-dir': ignored(text, 'Directory of log files'),
  'log-file': ignored(text, 'Log file'),
  'log-file-max-size': ignored(text, 'Largest log file'),
  logtostderr: ignored(bool, 'Log to stderr, which is always done'),
  'one-output': ignored(bool, 'Each line to one level only'),
  'skip-headers': ignored(bool, 'No headers in log lines'),
  'skip-log-headers': ignored(bool, 'No headers in log files'),
  stderrthreshold: ignored(text, 'Level from which lines go to stderr'),
  vmodule: ignored(text, 'Verbosity per file'),
})
