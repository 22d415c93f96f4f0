import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { packageVersion } from '../../lib/files/package-version'
import { runProcess } from '../support/cli'
import { fails, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { BROKEN_SETUPS, type BrokenSetup, MANIFEST, userOf } from '../support/doctor-setups'

interface Finding {
  readonly status: 'ok' | 'warning' | 'error'
  readonly text: string
  readonly advice?: string
}

let zone: ZoneServer

before(async () => {
  zone = await startZone({ 'example.com': [mx(10, 'mx.example.com')], 'corp.example': [fails('REFUSED')] })
})

after(() => zone.stop())

/** A Haraka folder in order, but for what is broken. */
function setUp(t: TestContext, { files = {}, prepare }: BrokenSetup): string {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-doctor-'))
  t.after(() => {
    chmodSync(join(folder, 'config'), 0o700)
    rmSync(folder, { recursive: true, force: true })
  })
  chmodSync(folder, 0o755)
  const all = {
    'config/plugins': 'access\ndns-overrides\n',
    'config/dns_overrides.ini': 'dns_servers = DNS\n[overrides]\n* smtp.example.net $end\n',
    [MANIFEST]: JSON.stringify({ version: packageVersion() }),
    ...files,
  }
  for (const [name, text] of Object.entries(all)) {
    if (text === undefined) continue
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text.replaceAll('DNS', `127.0.0.1:${zone.port}`))
  }
  prepare?.(t, folder)
  return folder
}

describe('doctor explains each broken set-up, and what to do', { concurrency: 2 }, () => {
  for (const setup of BROKEN_SETUPS) {
    it(setup.what, { skip: setup.skip ?? false }, async (t) => {
      const folder = setUp(t, setup)
      const env = Object.fromEntries(
        Object.entries(setup.env ?? {}).map(([name, value]) => [name, value.replace('FOLDER', folder)]),
      )
      const ran = await runProcess(['doctor', '--config', folder, '--json'], { env, ...userOf(setup) })
      const findings = JSON.parse(ran.out) as readonly Finding[]
      const found = findings.find(({ text }) => setup.says.test(text))
      assert.equal(found?.status, setup.status, ran.out)
      assert.match(found.advice ?? '', setup.advice)
      for (const { status, advice } of findings) assert.equal(advice === undefined, status === 'ok')
      const hasError = findings.some(({ status }) => status === 'error')
      assert.equal(ran.status, hasError ? 78 : 75)
      t.diagnostic(
        `${found.status}: ${found.text.replaceAll(folder, '.')}. ${found.advice?.replaceAll(folder, '.')}`,
      )
    })
  }
})
