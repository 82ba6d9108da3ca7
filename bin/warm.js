// After an install in a checkout: compiles what `serve` loads, so that its first start is as quick as
// the next ones. Only a head start, so nothing that goes wrong here is an error of the install.
import module from 'node:module'

try {
  if (Number(process.versions.node.split('.')[0]) >= 26) {
    await import('./require-node.js')
    await import('../src/commands/serve.ts')
    // What `serve` loads later than that: under the same flags, or V8 takes nothing of it.
    const { keepObjectsYoung } = await import('../src/young-objects.ts')
    keepObjectsYoung()
    await import('yaml') // for a policy that is not JSON
    await import('../src/compose-alone.ts')
    await import('../src/app.ts')
    await import('../src/adapters/http2/server.ts')
    await import('../src/adapters/prometheus/runtime-metrics.ts')
    await import('../src/compose-http.ts')
    module.flushCompileCache()
  }
} catch (error) {
  console.error(`not compiled ahead: ${error.message}`)
}
