import assert from 'node:assert/strict'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { test, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { a, mx, startZone } from '../support/dns-scripted'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { startSink } from '../support/smtp-sink'

/** Longest wait until sockets without queries are closed, milliseconds. */
const PATIENCE = 120_000

async function start(t: TestContext, options: HarakaOptions): Promise<HarakaServer> {
  const haraka = await HarakaServer.start(options)
  t.after(() => haraka.close())
  return haraka
}

/** How many sockets, pipes and watches are open. Files are not counted: Haraka still reads some when it listens already. */
function descriptors({ pid }: HarakaServer): number {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter((name) => {
    try {
      return !readlinkSync(`${folder}/${name}`).startsWith('/')
    } catch {
      // Closed in the meantime.
      return false
    }
  }).length
}

/** Waits until the server has so few open descriptors. */
async function settle(haraka: HarakaServer, most: number): Promise<void> {
  const end = Date.now() + PATIENCE
  while (descriptors(haraka) > most) {
    assert.ok(Date.now() < end, `${descriptors(haraka)} descriptors are open, ${most} at most are expected`)
    await wait(100)
  }
}

test(
  'an idle plugin has no open descriptor, before the first lookup and after many',
  { skip: existsSync('/proc/self/fd') ? false : 'needs /proc' },
  async (t) => {
    const sink = await startSink()
    t.after(() => sink.close())
    const domains = Array.from({ length: 40 }, (_, index) => `d${index}.example`)
    const zone = await startZone({
      ...Object.fromEntries(domains.map((domain) => [domain, [mx(10, 'host.example')]])),
      'host.example': [a('127.0.0.1')],
    })
    t.after(() => zone.stop())

    const stock = await start(t, { overrides: '', files: { 'config/plugins': 'relay-all' } })
    const most = descriptors(stock)

    const haraka = await start(t, {
      overrides: `dns_servers = 127.0.0.1:${zone.port}\n* 127.0.0.1:${sink.port} $dnsmx:host.*`,
    })
    await settle(haraka, most)
    await Promise.all(domains.map((domain) => haraka.send({ to: `user@${domain}` })))
    await haraka.waitFor(() => sink.received.length === domains.length, 'all messages', [sink])
    await settle(haraka, most)
  },
)
