import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProcess } from '../support/cli'
import { mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'

let zone: ZoneServer
let server: HarakaServer

before(async () => {
  zone = await startZone({ 'example.com': [mx(10, 'mx.example.com')] })
  server = await HarakaServer.start({
    nodes: 2,
    overrides: `dns_servers = 127.0.0.1:${zone.port}\n[overrides]\n* 192.0.2.1 $end\n`,
  })
})

after(async () => {
  await server.stop()
  await zone.stop()
})

const doctor = () => runProcess(['doctor'], { cwd: server.folder, env: { COLUMNS: '80' } })

/** Runs the command until it says so: workers report within a second. */
async function doctorSays(expected: RegExp): Promise<string> {
  const end = Date.now() + 60_000
  for (;;) {
    const { out } = await doctor()
    const text = out.replace(/\s+/g, ' ')
    if (expected.test(text)) return text
    assert.ok(Date.now() < end, text)
  }
}

test('doctor of a running server with two workers shows a file in force, refused, and in force again', async () => {
  const text = await doctorSays(/2 workers of the running server have this file in force, since .* UTC/)
  assert.doesNotMatch(text, /error/)
  const file = join(server.folder, 'config/dns_overrides.ini')
  const good = `dns_servers = 127.0.0.1:${zone.port}\n[overrides]\n* 192.0.2.2 $end\n`
  const mark = server.mark()
  writeFileSync(file, `${good}gmail.com\n`)
  await server.waitForLog(/has 1 error and is not used/, mark)
  assert.match(await doctorSays(/has not taken this file/), /error .* has 1 error/)
  writeFileSync(file, good)
  await server.waitForLog(/is read again and in force/, mark)
  await doctorSays(/2 workers of the running server have this file in force/)
})
