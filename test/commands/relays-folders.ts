import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext } from 'node:test'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { a, fails, startZone, type ZoneServer } from '../support/dns-scripted'
import { relayExchange } from '../support/servers'
import { run } from './terminal'

/** The relays that most tests have. */
export const RELAYS = `
* @isp
[relay:isp]
host = smtp.isp.example
port = 587
max_connections = 5
max_per_hour = 300
[relay:Spare]
host = spare.example
`

export const isp = relayExchange({
  name: 'isp',
  host: 'smtp.isp.example',
  port: 587,
  maxConnections: 5,
  maxPerHour: 300,
})
export const spare = relayExchange({ name: 'Spare', host: 'spare.example' })

/** A time as it is printed. */
export const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`

/** A DNS server that knows the relays, while the tests of the file run. @returns what makes a Haraka folder with a file */
export function relaysFolders() {
  let zone: ZoneServer
  before(async () => {
    zone = await startZone({
      'smtp.isp.example': [a('192.0.2.1')],
      'spare.example': [a('192.0.2.2')],
      'broken.example': [fails()],
    })
  })
  after(() => zone.stop())
  return (t: TestContext, file = RELAYS) => {
    const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-relays-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    mkdirSync(join(folder, 'config'))
    const dns = `dns_servers = 127.0.0.1:${zone.port}\n[dns]\ntimeout = 10s\ndeadline = 25s\n[overrides]\n`
    writeFileSync(join(folder, 'config', 'dns_overrides.ini'), `${dns}${file}`)
    return {
      folder,
      state: join(folder, STATE_FOLDER),
      relays: (...words: string[]) => run(['relays', ...words], { env: { HARAKA: folder }, now: Date.now }),
    }
  }
}
