import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { temporaryFolder } from '../commands/folder'
import { runProcess } from '../support/cli'
import { freePort } from '../support/dns-servers'
import { needsPostfix, startPostfix } from '../support/postfix'

const folder = temporaryFolder()

/** The process trusts the authority of the test certificates, as an operator would make it do. */
const TRUST = { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') }

async function relay(t: TestContext, certificate: string, changes: SMTPServerOptions = {}): Promise<number> {
  const server = new SMTPServer({
    logger: false,
    authOptional: true,
    disableReverseLookup: true,
    key: readFileSync(`test/fixtures/tls/${certificate}.key`, 'utf8'),
    cert: readFileSync(`test/fixtures/tls/${certificate}.pem`, 'utf8'),
    onAuth: ({ username, password }, _session, callback) => {
      if (username === 'fred' && password === 'Passw0rd') callback(null, { user: 'fred' })
      else callback(Object.assign(new Error('Authentication failed'), { responseCode: 535 }))
    },
    onMailFrom: (_address, _session, callback) => {
      callback(new Error('a probe sends no mail'))
    },
    authMethods: ['PLAIN'],
    ...changes,
  })
  server.on('error', () => undefined)
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', () => done()))
  t.after(() => new Promise<void>((done) => void server.close(() => done())))
  return (server.server.address() as AddressInfo).port
}

test('probe: tests good and bad relays, named and inline', async (t) => {
  const good = await relay(t, 'server')
  const expired = await relay(t, 'expired')
  const closed = await freePort()
  const file = folder.write(
    'rules.ini',
    `[relay:good]
host = 127.0.0.1
port = ${good}
user = fred
password = Passw0rd
tls = required
[relay:wrong]
host = 127.0.0.1
port = ${good}
user = joe
password = letmein
[relay:expired]
host = 127.0.0.1
port = ${expired}
tls = required
[overrides]
gmail.com  127.0.0.1:${closed}
x.example  fred:Passw0rd@127.0.0.1:${good}
y.example  fred:Passw0rd@127.0.0.1:${good}
z.example  @good
`,
  )
  const { status, out, err } = await runProcess(['probe', '-c', file, '--timeout', '5'], { env: TRUST })
  assert.equal(err, '')
  assert.equal(status, 75)
  const heads = out.split('\n').filter((line) => /^\S/.test(line))
  assert.deepEqual(heads, [
    `@good  fred@127.0.0.1:${good}  good`,
    `@wrong  joe@127.0.0.1:${good}  fails`,
    `@expired  127.0.0.1:${expired}  fails`,
    `127.0.0.1:${closed}  fails`,
    `fred@127.0.0.1:${good}  good`,
  ])
  assert.match(out, /BAD {2}auth {8}it refused AUTH: 535 /)
  assert.match(
    out,
    /BAD {2}certificate .*it expired on\s+2021-01-01\n +the operator of the relay must renew it/,
  )
  assert.match(out, /BAD {2}connect .*ECONNREFUSED.*\n +nothing listens on port/)
  assert.doesNotMatch(out, /Passw0rd|letmein/)

  assert.deepEqual(
    out.split('\n').filter((line) => line.length > 80),
    [],
    'no line is wider than the terminal',
  )

  const one = await runProcess(['probe', '@good', '-c', file, '--json'], { env: TRUST })
  assert.equal(one.status, 0)
  const reports = JSON.parse(one.out) as { name: string; good: boolean; addresses: { address: string }[] }[]
  assert.deepEqual(
    reports.map(({ name, good: isGood, addresses }) => [name, isGood, addresses[0]?.address]),
    [['good', true, '127.0.0.1']],
  )
  const byHost = await runProcess(['probe', '127.0.0.1', '-c', file, '--json'], { env: TRUST })
  assert.equal((JSON.parse(byHost.out) as unknown[]).length, 5)
})

test('probe: an unknown name is wrong usage, with a suggestion', async () => {
  const file = folder.write('names.ini', '[relay:isp]\nhost = 127.0.0.1')
  const { status, err } = await runProcess(['probe', 'ips', '-c', file])
  assert.equal(status, 64)
  assert.match(err, /unknown relay "ips"; did you mean isp\?/)
})

test('probe: a file without relays is reported as such', async () => {
  const { status, out } = await runProcess(['probe', '-c', folder.write('none.ini', '* $direct')])
  assert.equal(status, 0)
  assert.match(out, /names no relay/)
})

test('probe: Postfix with STARTTLS and with TLS from the first byte', { skip: needsPostfix() }, async (t) => {
  const postfix = await startPostfix('server')
  t.after(() => postfix.stop())
  const file = folder.write(
    'postfix.ini',
    `[relay:submission]
host = 127.0.0.1
port = ${postfix.port}
tls = required
[relay:smtps]
host = smtps://127.0.0.1:${postfix.securePort}
[relay:login]
host = 127.0.0.1
port = ${postfix.port}
user = fred
password = Passw0rd
[relay:swapped]
host = smtps://127.0.0.1:${postfix.port}
`,
  )
  const good = await runProcess(['probe', 'submission', 'smtps', '-c', file], { env: TRUST })
  assert.equal(good.status, 0, good.out)
  assert.match(good.out, /greeting {4}220 relay\.example ESMTP Postfix/)
  assert.match(good.out, /certificate server, signed by Test CA, until 2120-01-01/)
  const login = await runProcess(['probe', 'login', '-c', file], { env: TRUST })
  assert.equal(login.status, 75)
  assert.match(login.out, /it does not offer AUTH/)
  const swapped = await runProcess(['probe', 'swapped', '-c', file], { env: TRUST })
  assert.equal(swapped.status, 75)
  assert.match(swapped.out, /leave\s+out smtps:/)
})
