import { defineConfig } from 'vitest/config'

/** What needs Go, or Envoys of several versions: `npm run test:interop`. */
export default defineConfig({
  test: {
    dir: import.meta.dirname,
    include: ['**/*.test.ts'],
    globalSetup: ['setup.ts'],
    root: import.meta.dirname,
    testTimeout: 60_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
})
