// Runs before anything else, on whatever Node there is, so it stays plain JavaScript.
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const wanted = 26
if (Number(process.versions.node.split('.')[0]) < wanted) {
  console.error(
    `tenantgate runs on Node ${wanted} or newer, this is ${process.version}. In a checkout "npm ci" ` +
      'installs it; where npm was told not to run scripts, allow them for the package "node".',
  )
  process.exit(2)
}

// Compiled code is kept for the next start, beside the code itself: the default place is a folder of
// the temporary directory that any local user could have filled. Where it cannot be written, Node
// goes without.
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url)))
