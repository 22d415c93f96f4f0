import assert from 'node:assert/strict'
import { readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { readHits } from '../support/line-hits'
import { commandsOf, isShown, PAGES, patternOf, readPage, UPDATE, updatePage } from '../docs/document'
import type { Block, Command } from '../docs/document'
import { openShell, toReal, type Substitution } from '../docs/shell'
import { a, startZone, type ZoneServer } from '../support/dns-scripted'
import { freePort } from '../support/dns-servers'
import { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'

// The blocks of the pages that need a running server, in their order: a real Haraka with the file of docs/operations.md. Its first
// relay is down, its second works, and one message was sent for each.

const needsServer = ({ marks }: Block) => marks.includes('server')
const file = readPage('docs/operations.md').blocks.find(
  (block) => block.language === 'ini' && needsServer(block),
)!

/** One message matches two lines, the other a line that ends the search. */
const HITS = 3

let zone: ZoneServer
let backup: Sink
let haraka: HarakaServer
let pairs: readonly Substitution[]
let shell: (command: string) => Promise<string>

before(async () => {
  backup = await startSink({ host: '127.0.0.2' })
  zone = await startZone({ 'smtp.example.com': [a('127.0.0.1')], 'relay.example.net': [a('127.0.0.2')] })
  const closed = await freePort()
  pairs = [
    ['192.0.2.53:53', `127.0.0.1:${zone.port}`],
    ['192.0.2.53', `127.0.0.1:${zone.port}`],
    ['192.0.2.25', '127.0.0.1'],
    ['198.51.100.25', '127.0.0.2'],
    ['port = 587', `port = ${closed}`],
    ['port 587 ', `port ${closed} `],
    ['port = 2525', `port = ${backup.port}`],
    [':587', `:${closed}`],
    [':2525', `:${backup.port}`],
  ]
  haraka = await HarakaServer.start({ overrides: `${toReal(file.text, pairs)}\n` })
  shell = openShell(haraka.folder, pairs)
  await haraka.send({ to: 'a@example.org' })
  await haraka.waitFor(() => backup.received.length === 1, 'the message to the second relay', [backup])
  await haraka.send({ to: 'a@gmail.com' })
  await haraka.waitForLog(/Temp failing/)
  await waitForState()
})

after(async () => {
  await haraka?.close()
  await backup?.close()
  await zone?.stop()
})

/** Workers write what they know of relays half a second after it has changed, and report hits of lines a few seconds later. */
async function waitForState(): Promise<void> {
  const folder = join(haraka.folder, STATE_FOLDER)
  const watcher = watch(folder)
  const source = { onReceived: (listener: () => void) => void watcher.on('change', listener) }
  const isWritten = () => {
    const states = readdirSync(folder).filter((name) => /^\d+\.json$/.test(name))
    const text = states.map((name) => readFileSync(join(folder, name), 'utf8')).join('')
    const hits = [...readHits(folder).values()].reduce((sum, { count }) => sum + count, 0)
    return text.includes('"sentLastHour":1') && text.includes('no connection') && hits >= HITS
  }
  try {
    await haraka.waitFor(isWritten, 'the state of the relays', [source])
  } finally {
    watcher.close()
  }
}

for (const path of PAGES) {
  const outputs = new Map<Command, string>()
  after(() => updatePage(path, outputs))

  for (const block of readPage(path).blocks) {
    for (const each of block.language === 'console' && needsServer(block) ? commandsOf(block) : []) {
      test(`${path} line ${each.line}: ${each.command}`, async () => {
        const output = await shell(each.command)
        if (isShown(output, each.output)) return
        if (UPDATE) outputs.set(each, output)
        else assert.equal(output, each.output, `${path}:${each.line}: run npm run docs:update`)
      })
    }
    for (const text of block.language === 'log' ? block.text.split('\n') : []) {
      test(`${path} line ${block.line}: the log contains ${text}`, async () => {
        const pattern = new RegExp(patternOf(toReal(text, pairs)))
        await haraka.flushUntil(() => haraka.lines(pattern).length > 0, text)
      })
    }
  }
}
