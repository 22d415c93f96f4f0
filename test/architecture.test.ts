import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { test } from 'node:test'

/** One import of one source file, as the text has it. */
interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

const IMPORT =
  /^\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\b(?:require|import)\('([^']+)'\)/gm

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

function importsOf(path: string): Import[] {
  return [...readFileSync(path, 'utf8').matchAll(IMPORT)].map((match) => {
    const target = match[3] ?? match[4] ?? ''
    const to = target.startsWith('.') ? relative('.', resolve(dirname(path), target)) : target
    return { from: path, to: to.split(sep).join('/'), typeOnly: match[2] !== undefined }
  })
}

const imports = ['index.ts', ...sources('lib')].flatMap(importsOf)

const within = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)

/** Room of the house -> the rooms that it may import from, besides itself. CONTRIBUTING.md draws it. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'lib/model': [],
  'lib/source': ['lib/model'],
  'lib/files': ['lib/model'],
  'lib/dns': ['lib/model'],
  'lib/config': ['lib/model', 'lib/source', 'lib/files', 'lib/dns'],
  'lib/rules': ['lib/model', 'lib/source', 'lib/config'],
  'lib/relays': ['lib/model'],
  'lib/smtp': ['lib/model'],
  'lib/oauth': ['lib/model'],
  'lib/routing': ['lib/model', 'lib/source', 'lib/dns', 'lib/config', 'lib/rules'],
  'lib/redis': ['lib/model', 'lib/relays', 'lib/dns'],
  'lib/haraka-files': ['lib/model', 'lib/files'],
  'lib/status': [
    'lib/model',
    'lib/source',
    'lib/files',
    'lib/dns',
    'lib/config',
    'lib/rules',
    'lib/relays',
    'lib/routing',
    'lib/haraka-files',
  ],
  'lib/haraka-objects': [],
  'lib/haraka/delivery': [
    'lib/model',
    'lib/relays',
    'lib/smtp',
    'lib/oauth',
    'lib/status',
    'lib/haraka-objects',
  ],
  'lib/haraka': [
    'lib/model',
    'lib/source',
    'lib/files',
    'lib/dns',
    'lib/config',
    'lib/rules',
    'lib/relays',
    'lib/oauth',
    'lib/routing',
    'lib/redis',
    'lib/haraka-files',
    'lib/haraka-objects',
    'lib/status',
    'lib/haraka/delivery',
  ],
  'lib/commands': [
    'lib/model',
    'lib/source',
    'lib/files',
    'lib/dns',
    'lib/config',
    'lib/rules',
    'lib/relays',
    'lib/smtp',
    'lib/oauth',
    'lib/routing',
    'lib/haraka-files',
    'lib/status',
  ],
  'lib/cli': ['lib/model', 'lib/source', 'lib/files', 'lib/commands'],
}

const roomOf = (path: string) =>
  Object.keys(ARROWS)
    .filter((room) => within(path, room))
    .toSorted((a, b) => b.length - a.length)[0]

test('imports between the rooms of lib point one way, for types as well as code', () => {
  const wrong = imports.filter(({ from, to }) => {
    const home = roomOf(from)
    const goal = roomOf(to)
    return home !== undefined && goal !== undefined && home !== goal && !ARROWS[home]!.includes(goal)
  })
  assert.ok(imports.length > 50, 'the imports were found')
  assert.deepEqual(wrong, [])
})

test('nothing lives at the root of lib', () => {
  const lost = sources('lib').filter((path) => roomOf(path.split(sep).join('/')) === undefined)
  assert.deepEqual(lost, [])
})

test('only lib/dns/transport.ts imports dns2, and rules, config and dns do not import Haraka', () => {
  const dns2 = imports.filter(({ to }) => within(to, 'dns2')).map(({ from }) => from)
  assert.deepEqual([...new Set(dns2)], ['lib/dns/transport.ts'])
  const haraka = imports.filter(({ to }) => /^(@haraka|haraka)(-|\/|$)/.test(to)).map(({ from }) => from)
  assert.deepEqual(
    haraka.filter((from) => !from.startsWith('lib/haraka/')),
    [],
  )
})

test('without [redis] no code of lib/redis is loaded: one file is required when needed, others import only types', () => {
  const loads = imports.filter(({ to, typeOnly }) => within(to, 'lib/redis') && !typeOnly)
  const fromOutside = loads.filter(({ from }) => roomOf(from) !== 'lib/redis')
  assert.deepEqual(
    [...new Set(fromOutside.map(({ from, to }) => `${from} ${to}`))],
    ['lib/haraka/redis.ts lib/redis/sharing'],
  )
  const text = readFileSync('lib/haraka/redis.ts', 'utf8')
  assert.doesNotMatch(text, /^import (?!type\b).*redis\/sharing/m)
  const named = sources('lib').filter((path) => readFileSync(path, 'utf8').includes("'haraka-plugin-redis'"))
  assert.deepEqual(named, ['lib/redis/client.ts'])
})

test('every import names a file of this package, a module of Node or a dependency', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>
  }
  const foreign = imports
    .filter(({ from, to }) => !within(to, 'lib') && !(from === 'index.ts' && to.startsWith('lib/')))
    .filter(
      ({ to }) =>
        !to.startsWith('node:') && !Object.keys(manifest.dependencies).some((name) => within(to, name)),
    )
  assert.deepEqual(foreign, [])
})

test('no file imports itself through others, for types as well as code', () => {
  const files = new Set(imports.map(({ from }) => from.replace(/\.ts$/, '')))
  const importedBy = (file: string) =>
    imports
      .filter(({ from }) => from === `${file}.ts`)
      .map(({ to }) => (files.has(to) ? to : `${to}/index`))
      .filter((to) => files.has(to))
  const done = new Set<string>()
  const circle = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const to of importedBy(file)) {
      const found = circle(to, [...path, file])
      if (found !== undefined) return found
    }
    done.add(file)
    return undefined
  }
  for (const file of files) assert.equal(circle(file, [])?.join(' -> '), undefined)
})
