import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import SlowFirst from './scripts/slow-first.ts'

/** Files with the worst requests. */
const hostile = 'apps/*/test/hostile/**/*.test.ts'

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/*/{src,test}/**/*.test.ts',
            'benchmarks/src/**/*.test.ts',
            'examples/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, hostile],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // They measure how long others wait: what else runs on the machine would be counted.
        test: { name: 'hostile', include: [hostile], maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
    // Files share a worker: loading the sources anew for each costs as much as the tests. So no file leaves anything behind
    // in a module or a global, and what cleans up after a test is registered by that test or its own file.
    isolate: false,
    // One for each core, also on two of them.
    maxWorkers: '100%',
    sequence: { sequencer: SlowFirst },
    // Nothing is a failure because the machine is slow.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000, interval: 5 } },
    // What tests start has its compiled code at hand.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'compiled') },
    reporters: ['default', './scripts/sum-reporter.ts'],
  },
})
