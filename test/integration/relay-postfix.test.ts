import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { findProgram, needs } from '../support/programs'
import { startScripted } from '../support/smtp-scripted'

const USER = 'fred'
const PASSWORD = 'sesame'

/** The server side of Dovecot's authentication protocol, as far as Postfix asks: PLAIN for one user. */
async function startAuth(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    socket.write(`VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\t${'0'.repeat(32)}\nDONE\n`)
    socket.on('data', (data) => {
      for (const line of data.toString().split('\n')) {
        const [command, id, , ...rest] = line.split('\t')
        if (command !== 'AUTH') continue
        const proof = rest.find((part) => part.startsWith('resp='))?.slice(5) ?? ''
        const [, user, password] = Buffer.from(proof, 'base64').toString().split('\0')
        const right = user === USER && password === PASSWORD
        socket.write(right ? `OK\t${id}\tuser=${user}\n` : `FAIL\t${id}\tuser=${user}\n`)
      }
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/** Settles when something greets there. */
async function greets(port: number, patience: number): Promise<void> {
  const end = Date.now() + patience
  while (Date.now() < end) {
    const greeted = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('data', () => done(true)).once('error', () => done(false))
      socket.once('close', () => done(false))
      socket.setTimeout(2_000, () => socket.destroy())
      socket.once('data', () => socket.destroy())
    })
    if (greeted) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`nobody greets on port ${port}`)
}

function logOf(folder: string): string {
  const file = join(folder, 'log')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

/** A Postfix that takes mail over TLS from who authenticates, and hands it on. */
async function startPostfix(t: TestContext, onward: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-postfix-'))
  chmodSync(folder, 0o755)
  const config = join(folder, 'etc')
  for (const name of ['etc', 'spool', 'data']) mkdirSync(join(folder, name))
  execFileSync('chown', ['postfix', join(folder, 'data')])
  const port = await freePort()
  const auth = await startAuth(t)
  const tls = (ending: string) => {
    const file = join(config, `server.${ending}`)
    writeFileSync(file, readFileSync(`test/fixtures/tls/server.${ending}`), { mode: 0o600 })
    return file
  }
  writeFileSync(
    join(config, 'main.cf'),
    `compatibility_level = 3.6
queue_directory = ${folder}/spool
data_directory = ${folder}/data
maillog_file = ${folder}/log
maillog_file_prefixes = ${folder}
myhostname = postfix.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
mydestination =
alias_maps =
relayhost = [127.0.0.1]:${onward}
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${auth}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = ${tls('pem')}
smtpd_tls_key_file = ${tls('key')}
`,
  )
  const service = (name: string, type: string, priv: string, command: string, wakeup = '-', limit = '-') =>
    `${name} ${type} ${priv} - n ${wakeup} ${limit} ${command}`
  writeFileSync(
    join(config, 'master.cf'),
    [
      service(`127.0.0.1:${port}`, 'inet', 'n', 'smtpd'),
      service('cleanup', 'unix', 'n', 'cleanup', '-', '0'),
      service('qmgr', 'unix', 'n', 'qmgr', '300', '1'),
      service('tlsmgr', 'unix', '-', 'tlsmgr', '1000?', '1'),
      service('rewrite', 'unix', '-', 'trivial-rewrite'),
      service('bounce', 'unix', '-', 'bounce', '-', '0'),
      service('defer', 'unix', '-', 'bounce', '-', '0'),
      service('smtp', 'unix', '-', 'smtp'),
      service('anvil', 'unix', '-', 'anvil', '-', '1'),
      service('proxymap', 'unix', '-', 'proxymap'),
      'postlog unix-dgram n - n - 1 postlogd',
      '',
    ].join('\n'),
  )
  const run = (command: string) =>
    new Promise<void>((done, reject) => {
      const child = spawn(findProgram('postfix')!, ['-c', config, command], {
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
      child.once('close', (code) =>
        code === 0 ? done() : reject(new Error(`postfix ${command}: ${said}${logOf(folder)}`)),
      )
    })
  t.after(async () => {
    await run('abort').catch(() => {})
    rmSync(folder, { recursive: true, force: true })
  })
  await run('start')
  await greets(port, 20_000).catch((error: Error) => {
    throw new Error(`${error.message}\n${logOf(folder)}`)
  })
  return port
}

const skip = needs('postfix') || (process.getuid?.() !== 0 && 'Postfix starts as root only')

test(
  'Postfix as relay with TLS and AUTH: a wrong password leads to the next route, and no bounce',
  { skip },
  async (t) => {
    const sink = await startScripted()
    t.after(() => sink.close())
    const port = await startPostfix(t, sink.port)
    const section = (name: string, host: string, password: string) =>
      [
        `[relay:${name}]`,
        `host = ${host}`,
        `port = ${port}`,
        `user = ${USER}`,
        `password = ${password}`,
        'tls = required',
      ].join('\n')
    const haraka = await HarakaServer.start({
      overrides: [
        'right.example @right',
        'wrong.example @wrong $priority:1',
        'wrong.example @right $priority:2',
        // Without a user Postfix refuses the recipient: that is not for us to judge, and bounces.
        `none.example 127.0.0.1:${port}`,
        `client.example 127.0.0.1:${sink.port}`,
        section('right', '127.0.0.1', PASSWORD),
        section('wrong', 'localhost', 'guessed'),
      ].join('\n'),
      env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem') },
    })
    t.after(() => haraka.close())
    for (const to of ['a@right.example', 'b@wrong.example', 'c@none.example']) await haraka.send({ to })
    await haraka.waitFor(() => haraka.queueFiles().length === 0 && sink.taken.length === 3, 'all of it', [
      sink,
    ])
    assert.deepEqual(sink.taken.flatMap(({ rcptTo }) => rcptTo).sort(), [
      'a@right.example',
      'b@wrong.example',
      'sender@client.example',
    ])
    const sent = (to: string) => sink.taken.find(({ rcptTo }) => rcptTo.includes(to))!.data
    assert.match(sent('a@right.example'), /by postfix\.example \(Postfix\) with ESMTPSA/)
    assert.match(sent('b@wrong.example'), /by postfix\.example \(Postfix\) with ESMTPSA/)
    assert.match(sent('sender@client.example'), /c@none\.example/)
    const failures = haraka.lines(/is left out/)
    assert.equal(failures.length, 1)
    assert.match(failures[0]!, /relay wrong is left out for 60 s: it refused AUTH: 535 5\.7\.8 /)
  },
)
