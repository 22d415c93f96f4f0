import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { packPlugin } from './support/packed'

// The package as an operator gets it: packed, unpacked into the node_modules of a Haraka folder, and loaded as Haraka does.

let folder: string
let packed: string
let files: readonly string[]

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'dns-overrides-package-'))
  const { archive, files: paths } = packPlugin(folder)
  files = paths
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  execFileSync('tar', ['-xzf', archive, '-C', modules])
  packed = join(modules, 'package')
  symlinkSync(resolve('node_modules'), join(packed, 'node_modules'))
})

after(() => rmSync(folder, { recursive: true, force: true }))

test('the package contains what is run and read, and nothing else', () => {
  for (const needed of [
    'dist/index.js',
    'dist/lib/cli/bin.js',
    'config/dns_overrides.ini',
    'contrib/grafana/dns-overrides.json',
    'contrib/prometheus/dns-overrides.rules.yml',
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'docs/reference.md',
    'LICENSE',
  ]) {
    assert.ok(files.includes(needed), `${needed} is in the package`)
  }
  const belongs =
    /^(dist\/.+\.js|config\/dns_overrides\.ini|contrib\/.+|docs\/.+\.md|package\.json|[A-Z]+\.md|LICENSE)$/
  assert.deepEqual(
    files.filter((path) => !belongs.test(path)),
    [],
  )
})

test('no file of the package refers to a source map or source that is not in it', () => {
  const pointing = files
    .filter((path) => path.endsWith('.js'))
    .filter((path) => readFileSync(join(packed, path), 'utf8').includes('sourceMappingURL'))
  assert.deepEqual(pointing, [])
})

// Haraka is `Haraka` on the registry up to 3.2 and `haraka` from 3.3: npm refuses a plugin that names one beside the other.
test('the package does not make npm install Haraka', () => {
  const manifest = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as Record<string, object>
  const named = ['dependencies', 'peerDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind] ?? {}),
  )
  assert.deepEqual(
    named.filter((name) => /^haraka$/i.test(name)),
    [],
  )
})

test('Haraka loads the package by its folder, which exports only what may be copied onto its Plugin object', () => {
  const script = `
    const plugin = require(process.argv[1])
    const keys = []
    for (const key in plugin) keys.push(key)
    console.log(JSON.stringify(keys.filter((key) => typeof plugin[key] === 'function').sort()))
    console.log(JSON.stringify(keys.filter((key) => typeof plugin[key] !== 'function')))`
  const [functions, others] = execFileSync(process.execPath, ['-e', script, packed], {
    encoding: 'utf8',
  }).split('\n')
  const names = JSON.parse(functions!) as string[]
  assert.ok(names.includes('register') && names.includes('shutdown'), names.join())
  assert.deepEqual(
    names.filter((name) =>
      /^(name|config|hooks|timeout|base|inherits|haraka_require|register_hook|log.*|_.*)$/.test(name),
    ),
    [],
  )
  assert.deepEqual(JSON.parse(others!), [])
})

test('the command runs from the package', () => {
  const manifest = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as {
    bin: Record<string, string>
  }
  const help = execFileSync(process.execPath, [join(packed, manifest.bin['dns-overrides']!), '--help'], {
    encoding: 'utf8',
  })
  assert.match(help, /explain/)
})
