#!/usr/bin/env node
const [command, ...rest] = process.argv.slice(2)

/** Commands beside the benchmark itself. Loaded when used: a client's process holds no server and the other way round. */
const commands: Readonly<Record<string, (argv: readonly string[]) => unknown>> = {
  load: async argv => (await import('./load/command.ts')).loadCommand(argv),
  bare: async argv => (await import('./servers/bare-command.ts')).bareCommand(argv),
  engine: async argv => (await import('./engine/command.ts')).engineCommand(argv),
  rooms: async () => (await import('./rooms/command.ts')).roomsCommand(),
  micro: async argv => (await import('./micro/command.ts')).microCommand(argv),
}

try {
  const run = command === undefined ? undefined : commands[command]
  if (run) await run(rest)
  else await (await import('./bench.ts')).bench(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (process.env['DEBUG'] ? error.stack : error.message) : error}\n`)
  // Connections and servers that are open would keep the process.
  process.exit(1)
}
