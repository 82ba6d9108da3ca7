import { defineConfig } from 'vitest/config'

const common = {
  globalSetup: ['test/support/global-setup.ts'],
  testTimeout: 30_000,
  hookTimeout: 60_000,
}

export default defineConfig({
  test: {
    // Two cores: more files at once only make timings noisy.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/interop/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // What "parts" holds against the lean transport is the contract of the other one, too.
        test: {
          ...common,
          name: 'grpc-js',
          include: ['test/transport/*.test.ts'],
          env: { TENANTGATE_GRPC_TRANSPORT: 'grpc-js' },
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Each of these starts a whole platform: one at a time, with the machine to itself.
        test: {
          ...common,
          name: 'end to end',
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
