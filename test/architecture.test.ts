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

/** Folder -> folders of lib that it may import code from, besides itself and the single files at the top of lib. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'lib/dns': [],
  'lib/config': [],
  'lib/rules': ['lib/config', 'lib/relays'],
  'lib/relays': ['lib/config'],
  'lib/haraka': ['lib/config', 'lib/dns', 'lib/relays', 'lib/rules'],
  'lib/commands': ['lib/config', 'lib/dns', 'lib/relays', 'lib/rules'],
}

test('the arrows between the folders of lib go one way', () => {
  const folders = Object.keys(ARROWS)
  const wrong = imports.filter(({ from, to, typeOnly }) => {
    const home = folders.find((folder) => within(from, folder))
    const goal = folders.find((folder) => within(to, folder))
    if (home === undefined || goal === undefined || home === goal || typeOnly) return false
    return !ARROWS[home]!.includes(goal)
  })
  assert.ok(imports.length > 50, 'the imports were found')
  assert.deepEqual(wrong, [])
})

test('only one file speaks with dns2, and rules, config and dns know nothing of Haraka', () => {
  const dns2 = imports.filter(({ to }) => within(to, 'dns2')).map(({ from }) => from)
  assert.deepEqual([...new Set(dns2)], ['lib/dns/transport.ts'])
  const haraka = imports.filter(({ to }) => /^(@haraka|haraka)(-|\/|$)/.test(to)).map(({ from }) => from)
  assert.deepEqual(
    haraka.filter((from) => !from.startsWith('lib/haraka/')),
    [],
  )
})

test('every import is of a file of this package, of Node or of a dependency', () => {
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
