import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findRivalPlugins } from '../../../lib/commands/explain/rival-plugins'
import { temporaryFolder } from '../folder'
import { run } from '../terminal'

const folder = temporaryFolder()

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

test('plugins of the installed Haraka with a get_mx hook are known without reading their source', (t) => {
  const plugins = shippedPlugins()
  const harakaFolder = mkdtempSync(join(tmpdir(), 'dns-overrides-rivals-'))
  t.after(() => rmSync(harakaFolder, { recursive: true }))
  const configFolder = join(harakaFolder, 'config')
  mkdirSync(configFolder)
  writeFileSync(join(configFolder, 'plugins'), plugins.map(([name]) => `${name}\n`).join(''))
  const rivals = plugins
    .filter(([, source]) => /hook_get_mx|register_hook\('(?:get_mx|server_details)'/.test(source))
    .map(([name]) => name)
  assert.ok(rivals.length > 0, 'some were found')
  const file = join(configFolder, 'dns_overrides.ini')
  assert.deepEqual(findRivalPlugins({ file, configFolder, harakaFolder }), rivals)
})

test('explain names other plugins that may change the result', async () => {
  const haraka = join(folder.path, 'rivals')
  const write = (name: string, text: string) => folder.write(`rivals/${name}`, text)
  write('config/dns_overrides.ini', '* a.test')
  write(
    'config/plugins',
    '# tls\ntls\nqueue/smtp_forward\nhook\nharmless\nregistered\ndns-overrides\nrcpt_to.in_host_list\n',
  )
  write('plugins/hook.js', 'exports.hook_get_mx = (next) => next()')
  write('plugins/harmless.js', 'const mx = net_utils.get_mx(domain)')
  write('node_modules/haraka-plugin-registered/index.js', "this.register_hook('server_details', 'x')")
  const words = ['explain', 'a@x.example', '--mx', 'none']
  const { out } = await run([...words, '-c', haraka])
  assert.match(
    out,
    /\nPlugins queue\/smtp_forward, hook and registered have hooks for get_mx or server_details too, and may change this\.\n$/,
  )
  write('config/plugins', 'hook\ndns-overrides')
  assert.match(
    (await run([...words, '-c', haraka])).out,
    /\nPlugin hook has hooks for .*, and may change this\.\n$/,
  )
  write('config/plugins', 'harmless\nharaka-plugin-dns-overrides')
  assert.doesNotMatch((await run([...words, '-c', haraka])).out, /may change/)
})
