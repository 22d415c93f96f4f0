import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { packageVersion } from '../../lib/files/package-version'
import { mx, startZone, type ZoneServer } from '../support/dns-scripted'
import { run } from './terminal'

let zone: ZoneServer

before(async () => {
  zone = await startZone({ 'example.com': [mx(10, 'mx.example.com')] })
})

after(() => zone.stop())

const PACKAGE = 'node_modules/haraka-plugin-dns-overrides/package.json'

/** A Haraka folder in order, but for what is changed; a file that is undefined is left out. */
function setup(t: TestContext, changes: Readonly<Record<string, string | undefined>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-doctor-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  // Others may look at it: the user that Haraka runs as is a part of the tests.
  chmodSync(folder, 0o755)
  const files = {
    'config/plugins': 'access\ndns-overrides\n',
    'config/dns_overrides.ini': `dns_servers = 127.0.0.1:${zone.port}\n[overrides]\n* smtp.example.net $end\n`,
    [PACKAGE]: JSON.stringify({ version: packageVersion() }),
    ...changes,
  }
  for (const [name, text] of Object.entries(files)) {
    if (text === undefined) continue
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text.replaceAll('DNS', `127.0.0.1:${zone.port}`))
  }
  return folder
}

async function doctor(folder: string) {
  const { out, status } = await run(['doctor', '--config', folder, '--json'], { now: Date.now })
  const findings = JSON.parse(out) as { status: string; text: string; advice?: string }[]
  for (const { status: kind, advice } of findings)
    assert.equal(advice === undefined, kind === 'ok', 'what to do')
  const of = (kind: string) => findings.filter((finding) => finding.status === kind).map(({ text }) => text)
  return { status, errors: of('error'), warnings: of('warning'), good: of('ok') }
}

/** No Haraka runs in these folders. */
const NOT_RUNNING = /no running Haraka uses/

test('doctor: in a good folder the only warning is that no server runs', async (t) => {
  const folder = setup(t)
  const { status, errors, warnings, good } = await doctor(folder)
  assert.deepEqual(errors, [])
  assert.equal(warnings.length, 1)
  assert.match(warnings[0]!, NOT_RUNNING)
  assert.equal(status, 75)
  assert.match(good.join('\n'), /names dns-overrides/)
  assert.match(good.join('\n'), /is good: 1 override line, 0 relays/)
  assert.match(good.join('\n'), /the DNS server 127\.0\.0\.1:\d+ answers/)
  assert.match(good.join('\n'), /can read the file, and write to its folders/)
})

test(
  'doctor: checks files as the user of smtp.ini, who may not read a secret',
  { skip: process.getuid?.() !== 0 && 'needs root' },
  async (t) => {
    const folder = setup(t, {
      'config/smtp.ini': 'user=nobody\ngroup=nogroup\n',
      'config/dns_overrides.ini':
        'dns_servers = DNS\n[relay:isp]\nhost = a.example\nuser = fred\npassword_file = secret\n[overrides]\n* @isp\n',
      'config/secret': 'Passw0rd\n',
      'dns_overrides_state/x': '',
    })
    chmodSync(join(folder, 'config/secret'), 0o600)
    chmodSync(join(folder, 'dns_overrides_state'), 0o700)
    const { errors } = await doctor(folder)
    assert.match(errors.join('\n'), /Haraka \(user nobody of smtp\.ini\) cannot read .*config\/secret/)
    assert.match(errors.join('\n'), /cannot write to .*dns_overrides_state/)
    assert.equal(errors.length, 2)
    chownSync(join(folder, 'config/secret'), 65_534, 65_534)
    chownSync(join(folder, 'dns_overrides_state'), 65_534, 65_534)
    const { errors: none, good } = await doctor(folder)
    assert.deepEqual(none, [])
    assert.match(good.join('\n'), /can read the file and 1 file of secrets, and write/)
    writeFileSync(join(folder, 'config/smtp.ini'), 'user=nobody-at-all\n')
    const { errors: unknown } = await doctor(folder)
    assert.match(unknown.join('\n'), /doctor cannot act as user nobody-at-all of smtp\.ini/)
  },
)

test('doctor: a finding fits the width of the terminal, and its advice is below it', async (t) => {
  const { out } = await run(['doctor', '--config', setup(t)], { now: Date.now, columns: 60 })
  for (const line of out.trimEnd().split('\n')) {
    assert.match(line, /^(ok {7}|error {4}|warning {2}| {9})\S/)
    assert.ok(line.length <= 60 || !/ /.test(line.slice(9)), line)
  }
})

test('doctor: warns of a client certificate that ends within 14 days, and prints only its end', async (t) => {
  const folder = setup(t, {
    'config/dns_overrides.ini':
      'dns_servers = DNS\n* @isp $end\n[relay:isp]\nhost = smtp.example.net\ntls_cert = client.pem\ntls_key = client.key',
    'config/client.pem': readFileSync('test/fixtures/tls/client.pem', 'utf8'),
    'config/client.key': readFileSync('test/fixtures/tls/client.key', 'utf8'),
  })
  const said = async (now: number) => {
    const { out } = await run(['doctor', '--config', folder, '--json'], { now: () => now })
    const findings = JSON.parse(out) as { status: string; text: string }[]
    return findings
      .filter(({ text }) => text.includes('client certificate'))
      .map(({ status, text }) => `${status} ${text}`)
  }
  assert.deepEqual(await said(Date.UTC(2026, 0, 1)), [
    'ok 1 client certificate of relays, good for more than 14 days',
  ])
  assert.deepEqual(await said(Date.UTC(2119, 11, 25)), [
    'warning the client certificate of relay isp ends on 2120-01-01',
  ])
})
