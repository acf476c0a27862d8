import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: ['packages/*', 'apps/*', 'benchmarks', 'scripts'],
    reporters: ['default', './scripts/sum-reporter.ts'],
  },
})
