import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { COMMON_OPTIONS } from '../../lib/cli/options'
import { COMMANDS } from '../../lib/cli/table'
import { EXIT } from '../../lib/commands/shared/exit-status'
import { KEYS, SECTION_NAMES } from '../../lib/config/keys'
import { CONDITIONS } from '../../lib/rules/conditions'
import { LINT_RULES } from '../../lib/rules/lint'
import { METRICS } from '../../lib/status/metric-values'
import { readPage } from './document'

// The tables of docs/reference.md against the code: what is there is named, and what is named is there.

const PAGE = readPage('docs/reference.md')

/** The first cells of the tables under a heading, up to the next heading. */
function firstCells(heading: string): readonly string[] {
  const start = PAGE.lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading)
  assert.notEqual(start, -1, heading)
  const length = PAGE.lines.slice(start + 1).findIndex((line) => /^#+ /.test(line))
  return PAGE.lines
    .slice(start + 1, length === -1 ? undefined : start + 1 + length)
    .flatMap((line) => /^\| (.*?[^\\])\s*\|/.exec(line)?.[1]?.trim() ?? [])
}

/** The code in the first cells of the tables under a heading. */
const named = (heading: string) =>
  firstCells(heading).flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!))

const sorted = (names: Iterable<string>) => [...names].toSorted()

describe('docs/reference.md', () => {
  it('lists every setting', () => assert.deepEqual(sorted(named('Settings')), sorted(KEYS.top)))

  it('lists every section', () => {
    for (const name of SECTION_NAMES) assert.ok(PAGE.lines.join('\n').includes(`\`[${name}]\``), name)
  })

  it('lists every key of [dns]', () => assert.deepEqual(sorted(named('`[dns]`')), sorted(KEYS.dns)))

  for (const [section, heading] of [
    ['relay', '`[relay:NAME]`'],
    ['direct', '`[direct]`'],
  ] as const) {
    it(`lists every key of ${heading}`, () => {
      const keys = named(heading)
      for (const key of KEYS[section]) assert.ok(keys.includes(key), key)
    })
  }

  for (const section of ['zone', 'status', 'tests'] as const) {
    it(`lists every key of [${section}]`, () => {
      const text = PAGE.lines.join('\n')
      for (const key of KEYS[section]) assert.match(text, new RegExp(`\\b${key}\\b`))
    })
  }

  it('lists every key of [status]', () => assert.deepEqual(sorted(named('`[status]`')), sorted(KEYS.status)))

  it('lists every metric', () => {
    const names = named("Status on Haraka's HTTP server").map((name) => name.replace(/\{.*/, ''))
    for (const name of Object.keys(METRICS)) assert.ok(names.includes(name), name)
  })

  it('lists every condition', () => {
    const conditions = named('Conditions').flatMap((code) => /^\$([a-z]+)/.exec(code)?.[1] ?? [])
    assert.deepEqual(sorted(conditions), sorted(CONDITIONS.keys()))
  })

  it('lists every warning code, and no others', () => {
    const codes = new Set(named('Mistakes in the file'))
    for (const { code } of LINT_RULES) assert.ok(codes.has(code), code)
    const source = sourcesOf('lib')
    for (const code of codes) assert.ok(source.includes(`'${code}'`), code)
  })

  it('lists every option of the command', () => {
    const options = named('The command').flatMap((code) => /^--([a-z-]+)/.exec(code)?.[1] ?? [])
    const all = [...COMMON_OPTIONS, ...COMMANDS.flatMap((command) => command.options)].map(({ name }) => name)
    assert.deepEqual(sorted(new Set(options)), sorted(new Set(all)))
  })

  it('lists every exit status', () => {
    const statuses = firstCells('The command').filter((cell) => /^\d+$/.test(cell))
    assert.deepEqual(statuses.map(Number), Object.values(EXIT))
  })

  it('lists only log lines that the code writes', () => {
    const lines = PAGE.lines.flatMap(
      (line) => /^\| (?:NOTICE|ERROR|WARN|INFO|CRIT) +\| `([^`]+)`/.exec(line)?.[1] ?? [],
    )
    assert.ok(lines.length > 5)
    const source = sourcesOf('lib')
    for (const part of lines.flatMap((line) => line.split('…')).map((text) => text.trim())) {
      assert.ok(source.includes(part.replace('config/dns_overrides.ini', '').trim()), part)
    }
  })
})

/** The text of every source file of a folder. */
function sourcesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
}
