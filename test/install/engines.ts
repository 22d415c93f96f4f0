import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { initFolder, npmInstall } from '../support/npm'
import { packPlugin } from '../support/packed'

// Runs under the Node that is first in PATH, as npm does. It asks the npm registry: see `npm run test:install`.

/** The only package that does not say that it runs on Node 20; the tests show that it does. */
const NEEDS_NODE_22 = 'dns2'

let work: string

before(() => {
  work = mkdtempSync(join(tmpdir(), 'dns-overrides-engines-'))
  initFolder(work)
})

after(() => rmSync(work, { recursive: true, force: true }))

test(`engine-strict: Node ${process.version}`, async () => {
  const { status, output } = await npmInstall(work, '--engine-strict', packPlugin(work).archive)
  if (Number.parseInt(process.versions.node, 10) >= 22) {
    assert.equal(status, 0, output)
    return
  }
  assert.match(output, /EBADENGINE/)
  const refused = [...output.matchAll(/Not compatible with your version of node\/npm: (\S+)@/g)]
  assert.deepEqual([...new Set(refused.map(([, name]) => name))], [NEEDS_NODE_22], output)
})
