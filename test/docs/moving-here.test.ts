import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runExpectations } from '../../lib/rules/expectations'
import { temporaryFolder } from '../commands/folder'
import { run } from '../commands/terminal'
import { configure } from '../support/rules'
import { readPage, type Block } from './document'

// docs/moving-here.md: the lines on the right of each table stand in the file below it, and the file decides as its [tests] say.

const PAGE = readPage('docs/moving-here.md')

/** The code in the last cell of each row, where there is nothing else in the cell. */
function linesOfTable(rows: readonly string[]): readonly string[] {
  return rows.flatMap((row) => {
    const cell = /.*(?<!\\)\|(.+)\|\s*$/.exec(row)?.[1]?.trim() ?? ''
    const parts = cell.split('<br>').map((part) => /^`([^`]+)`$/.exec(part.trim())?.[1])
    return parts.every((part) => part !== undefined) ? parts : []
  })
}

/** The rows of the table that stands before a block. */
function tableBefore({ line }: Block): readonly string[] {
  const rows: string[] = []
  for (const text of PAGE.lines.slice(0, line - 1).toReversed()) {
    if (text.startsWith('|')) rows.unshift(text)
    else if (text !== '' || rows.length > 0) break
  }
  return rows
}

const squeeze = (text: string) => text.trim().replaceAll(/\s+/g, ' ')

/** Where each `@NAME` of a file is, as `host:port`. */
const relaysOf = (text: string) =>
  new Map(
    [...text.matchAll(/^\[relay:(\w+)\]\nhost\s*=\s*(\S+)(?:\nport\s*=\s*(\d+))?/gm)].map(
      ([, name, host, port = '25']) => [`@${name}`, `${host}:${port}`],
    ),
  )

interface Explained {
  readonly outcome: string
  readonly exchanges: readonly { exchange: string; port: number; from: string }[]
}

for (const block of PAGE.blocks.filter(({ language }) => language === 'ini')) {
  const title = PAGE.lines.slice(0, block.line).findLast((line) => line.startsWith('## '))
  describe(`${title}`, () => {
    const lines = block.text.split('\n').map(squeeze)

    it('contains each line of its table', () => {
      const shown = linesOfTable(tableBefore(block))
      assert.ok(shown.length > 0)
      for (const line of shown) assert.ok(lines.includes(squeeze(line)), line)
    })

    const file = temporaryFolder().write('config/dns_overrides.ini', block.text)
    const relays = relaysOf(block.text)
    const tests = lines.slice(lines.indexOf('[tests]') + 1).filter((line) => line.includes(' -> '))
    for (const [index, line] of tests.entries()) {
      it(`decides: ${line}`, async () => {
        const { met, actual } = (await runExpectations(configure(block.text)))[index]!
        assert.ok(met, actual)
        const { sender, recipient, rest } = /^(?<sender>\S+) -> (?<recipient>\S+)(?<rest>.*?) : /.exec(
          line,
        )!.groups!
        const words = Object.fromEntries(
          rest!
            .trim()
            .split(' ')
            .map((word) => word.split('=')),
        )
        const options = {
          from: sender!,
          mx: words.mx ?? `10:mx.${recipient!.split('@')[1]}`,
          retries: words.retries ?? '0',
          size: words.size ?? '0',
          age: words.age ?? '0',
          'auth-sender': words.auth ?? '',
        }
        const described = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
        const { out } = await run(['explain', recipient!, ...described, '--json', '--config', file])
        const { outcome, exchanges } = JSON.parse(out) as Explained
        const hosts = exchanges.map(({ from, exchange, port }) =>
          from === 'dns' ? 'direct' : `${exchange}:${port}`,
        )
        const expected = line.slice(line.indexOf(' : ') + 3).split(', ')
        assert.deepEqual(
          outcome === 'deliver' ? hosts : [outcome],
          expected.map((one) => relays.get(one) ?? one),
        )
      })
    }
  })
}
