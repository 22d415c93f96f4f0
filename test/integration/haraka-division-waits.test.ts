import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { reportedRecipients } from '../support/many-messages'
import { startScripted, type Scripted, type ScriptedOptions } from '../support/smtp-scripted'

// What becomes of a message before and after it is divided by $rcpt: it waits, rules change, it is refused, the disk is full.

const OUTBOUND = ['temp_fail_intervals=1h*3', 'local_mx_ok=true']

async function scripted(t: TestContext, options?: ScriptedOptions): Promise<Scripted> {
  const server = await startScripted(options)
  t.after(() => server.close())
  return server
}

async function start(t: TestContext, options: HarakaOptions): Promise<HarakaServer> {
  const haraka = await HarakaServer.start({ outbound: OUTBOUND, ...options })
  t.after(() => haraka.close())
  return haraka
}

const isIdle = ({ folder }: HarakaServer) => readdirSync(join(folder, 'queue')).length === 0
const recipientsOf = ({ taken }: Scripted) => taken.map(({ rcptTo }) => rcptTo)

test('a message that waits for a held relay is divided by later rules, without counting an attempt', async (t) => {
  const [held, usual] = [await scripted(t), await scripted(t)]
  const relay = `[relay:later]\nhost = 127.0.0.1\nport = ${held.port}\n[overrides]\n`
  const haraka = await start(t, {
    overrides: `${relay}* @later`,
    files: { 'dns_overrides_state/hold.later': JSON.stringify({ name: 'later', since: 1 }) },
  })
  const [joe, ann] = ['joe@d.example', 'ann@d.example']
  await haraka.send({ to: [joe!, ann!] })
  await haraka.waitForLog(/waiting \d+ s, not counted as an attempt/)
  const mark = haraka.mark()
  const line = `* 127.0.0.1:${usual.port} $rcpt~=ann@* $retries=0 $end`
  haraka.write('config/dns_overrides.ini', `${relay}${line}\n* @later`)
  await haraka.waitForLog(/read again and in force/, mark)
  await haraka.flushUntil(() => usual.taken.length === 1, 'the recipient whose relay is not on hold', [usual])
  assert.deepEqual(recipientsOf(usual), [[ann]])
  await haraka.waitFor(() => haraka.queueFiles().length === 1, 'one that waits')
  assert.deepEqual(recipientsOf(held), [])
  assert.equal(haraka.queueFiles()[0]!.split('_')[2], '0', 'no attempt')
})

test('a line with $rcpt and $reply rescues only its recipient from a refusal of the message', async (t) => {
  const [provider, relay, reports] = [
    await scripted(t, { script: (verb) => (verb === 'MAIL' ? '550 5.7.1 listed (S3140)' : undefined) }),
    await scripted(t),
    await scripted(t),
  ]
  const haraka = await start(t, {
    overrides: `
client.example 127.0.0.1:${reports.port} $end
* 127.0.0.1:${relay.port} $rcpt~=vip@* $reply~=/S3140/ $end
* 127.0.0.1:${provider.port}
`,
  })
  await haraka.send({ from: 's@client.example', to: ['joe@d.example', 'vip@d.example', 'ann@d.example'] })
  await haraka.waitFor(() => isIdle(haraka) && reports.taken.length > 0, 'relay and report', [relay, reports])
  assert.deepEqual(recipientsOf(relay), [['vip@d.example']])
  assert.equal(provider.connections(), 1)
  assert.deepEqual(reportedRecipients(reports.taken), ['joe@d.example', 'ann@d.example'])
})

test('a message whose file has been removed ends', async (t) => {
  const [first, second] = [
    await scripted(t, { script: (verb) => (verb === 'MAIL' ? '451 4.7.1 Come again' : undefined) }),
    await scripted(t),
  ]
  const haraka = await start(t, {
    overrides: `* 127.0.0.1:${second.port} $rcpt~=one@* $retries=1 $end\n* 127.0.0.1:${first.port}`,
  })
  await haraka.send({ to: ['one@d.example', 'two@d.example'] })
  await haraka.waitFor(() => haraka.queueFiles().some((name) => name.split('_')[2] === '1'), 'it waits')
  const mark = haraka.mark()
  for (const name of haraka.queueFiles()) rmSync(join(haraka.folder, 'queue', name))
  await haraka.flushUntil(
    () => haraka.lines(/not divided: its file is no longer in the queue/, mark).length > 0,
    'the end of the message',
  )
  assert.equal(haraka.lines(/waiting|bouncing/, mark).length, 0)
  assert.ok(isIdle(haraka))
  assert.equal(second.connections(), 0)
})

test('the shortest $again of the recipients is the wait of their message', async (t) => {
  const provider = await scripted(t, {
    script: (verb) => (verb === 'MAIL' ? '451 4.7.1 Come again' : undefined),
  })
  const haraka = await start(t, {
    overrides: `* 127.0.0.1:${provider.port} $rcpt~=vip@* $reply<> $again:7m\n* 127.0.0.1:${provider.port}`,
  })
  await haraka.send({ to: ['joe@d.example', 'vip@d.example'] })
  await haraka.waitForLog(/Temp failing \S+ for 420 seconds/)
})

test("Haraka's statistics count a divided message until it ends, and its parts until they end", async (t) => {
  const [one, two] = [await scripted(t), await scripted(t)]
  const haraka = await start(t, {
    overrides: `* 127.0.0.1:${one.port} $rcpt~=one@* $end\n* 127.0.0.1:${two.port}`,
    plugins: {
      stats: `exports.hook_mail = function (next, connection) {
        connection.lognotice('STATS ' + this.haraka_require('outbound').get_stats())
        next()
      }`,
    },
  })
  await haraka.send({ to: ['one@d.example', 'two@d.example'] })
  await haraka.waitFor(() => isIdle(haraka), 'an empty queue', [one, two])
  await haraka.send({ to: 'one@e.example' })
  assert.match(haraka.lines(/STATS/)[1]!, /STATS 0\/0\/0/)
})

/** Root may give the queue a small disk of its own. */
function needsMount(): false | string {
  const isRoot = process.getuid?.() === 0
  const { status } = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
  return isRoot && status === 0 ? false : 'needs root, who may mount'
}

test(
  'on a full disk the message waits without an attempt, and is divided when there is space',
  { skip: needsMount() },
  async (t) => {
    const [one, two] = [await scripted(t), await scripted(t)]
    const haraka = HarakaServer.install({
      outbound: OUTBOUND,
      overrides: `* 127.0.0.1:${one.port} $rcpt~=one@* $end\n* 127.0.0.1:${two.port}`,
    })
    const queue = join(haraka.folder, 'queue')
    const mount = (options: string) => {
      const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', queue])
      assert.equal(status, 0, String(stderr))
    }
    mount('size=2m')
    t.after(async () => {
      await haraka.kill9()
      spawnSync('umount', ['-l', queue])
      await haraka.close()
    })
    await haraka.restart()
    await haraka.send({
      to: ['one@d.example', 'two@d.example'],
      body: `${'x'.repeat(998)}\r\n`.repeat(900),
    })
    await haraka.waitForLog(
      /not counted as an attempt: .* cannot be divided: ENOSPC: no space left on device/,
    )
    assert.equal(readdirSync(queue).length, 1)
    assert.equal(haraka.queueFiles()[0]!.split('_')[2], '0')
    mount('remount,size=20m')
    await haraka.flushUntil(() => isIdle(haraka), 'an empty queue', [one, two])
    assert.deepEqual([recipientsOf(one), recipientsOf(two)], [[['one@d.example']], [['two@d.example']]])
  },
)
