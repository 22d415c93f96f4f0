import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SHIPPED_RIVALS } from '../../../lib/commands/explain/rival-plugins'

/** Names of the plugins that are installed with Haraka, and their sources. */
function shippedPlugins(): [name: string, source: string][] {
  const core = join('node_modules', 'haraka', 'plugins')
  const files = readdirSync(core, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.js'),
  )
  const packages = readdirSync('node_modules').filter((name) => name.startsWith('haraka-plugin-'))
  return [
    ...files.map((file): [string, string] => [file.slice(0, -3), readFileSync(join(core, file), 'utf8')]),
    ...packages.map((name): [string, string] => [
      name.slice('haraka-plugin-'.length),
      readFileSync(join('node_modules', name, 'index.js'), 'utf8'),
    ]),
  ]
}

test('the plugins of the installed Haraka that have a hook for get_mx are those that are listed', () => {
  const rivals = shippedPlugins()
    .filter(([, source]) => /hook_get_mx|register_hook\('(?:get_mx|server_details)'/.test(source))
    .map(([name]) => name)
  assert.deepEqual(rivals.sort(), SHIPPED_RIVALS.toSorted())
})
