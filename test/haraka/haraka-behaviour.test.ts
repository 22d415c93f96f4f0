import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { createDivisionFolder } from '../../lib/haraka-files/division-folder'
import { explainFailure } from '../../lib/haraka/failure-reason'
import { NULL_MX, toHarakaMx } from '../../lib/haraka/haraka-mx'
import { MessageReader } from '../../lib/haraka/envelope'
import { RETVAL } from '../../lib/haraka-objects/plugin'
import { loadHaraka, type RealHMail } from '../support/haraka-modules'
import { mxExchange } from '../support/servers'

// What the plugin relies on in Haraka 3.3.4, each by itself: a Haraka in which one of these no longer holds is noticed here, and
// the message of the test says which file has to be looked at. What delivery.ts relies on is pinned in delivery.test.ts.

const haraka = loadHaraka()
after(() => haraka.close())

const MESSAGE = 'Subject: test\r\n\r\nHello\r\n'
const address = (user: string, host: string) => ({
  original: `<${user}@${host}>`,
  original_host: host,
  user,
  host,
})

function queued(notes: object = {}, attempts = 0): Promise<RealHMail> {
  const todo = {
    queue_time: Date.now(),
    domain: 'example.com',
    rcpt_to: [address('a', 'example.com'), address('b', 'example.com')],
    mail_from: address('fred', 'example.com'),
    notes,
    uuid: 'UUID.1',
  }
  return haraka.queued(todo, MESSAGE, attempts)
}

/** Puts one method of the item aside and keeps what it is called with. */
function watch(hmail: RealHMail, method: 'found_mx' | 'bounce' | 'temp_fail' | 'try_deliver'): unknown[][] {
  const calls: unknown[][] = []
  Object.assign(hmail, { [method]: (...parameters: unknown[]) => void calls.push(parameters) })
  return calls
}

test('constants: return codes of hooks (haraka-constants)', () => {
  const constants = require('haraka-constants') as Record<string, number>
  assert.deepEqual(RETVAL, Object.fromEntries(Object.keys(RETVAL).map((name) => [name, constants[name]])))
})

test('hmail.js: the message has file_size - data_start bytes, and the file name holds the attempts', async () => {
  const hmail = await queued({}, 3)
  const { size, retries, mailFrom, domain } = new MessageReader().read(hmail)
  assert.deepEqual(
    { size, retries, mailFrom, domain },
    {
      size: Buffer.byteLength(MESSAGE),
      retries: 3,
      mailFrom: 'fred@example.com',
      domain: 'example.com',
    },
  )
})

test('hmail.js split_to_new_recipients: the new file has no attempts, and the current notes', async () => {
  const hmail = await queued({ other: 1 }, 2)
  const reader = new MessageReader()
  assert.equal(reader.read(hmail).retries, 2)
  const recipients = hmail.todo.rcpt_to
  const split = await new Promise<RealHMail>((resolve) => {
    hmail.split_to_new_recipients(recipients.slice(0, 1), 'test', (item) => resolve(item as RealHMail))
  })
  assert.notEqual(split, hmail)
  assert.equal(split.num_failures, 0)
  assert.deepEqual({ ...split.todo.notes }, { other: 1, dns_overrides: { attempts: 2 } })
  // Haraka goes on with temp_fail(), which counts the attempt that was made before the split.
  Object.assign(split, { num_failures: 1 })
  assert.equal(reader.read(split).retries, 3)
})

test('hmail.js split_to_new_recipients: for all recipients the message is not split', async () => {
  const hmail = await queued()
  const recipients = hmail.todo.rcpt_to
  const same = await new Promise((resolve) => hmail.split_to_new_recipients(recipients, 'test', resolve))
  assert.equal(same, hmail)
})

test('hmail.js get_mx_respond, HarakaMx: found_mx gets the same objects as the answer', async () => {
  const hmail = await queued()
  const found = watch(hmail, 'found_mx')
  const mx = toHarakaMx(haraka.HarakaMx, mxExchange('a.example', 1), '192.0.2.1')
  await hmail.get_mx_respond(RETVAL.ok, [mx])
  assert.equal((found[0]![0] as object[])[0], mx)
})

test('hmail.js get_mx_respond: OK without an exchange calls only found_mx', async () => {
  const hmail = await queued()
  const calls = (['found_mx', 'bounce', 'temp_fail'] as const).map((method) => watch(hmail, method))
  await hmail.get_mx_respond(RETVAL.ok, [])
  assert.deepEqual(calls, [[[[]]], [], []])
})

test('queue.js: a name that begins with error. is not a message, and is not removed', async () => {
  const queue = require('haraka/outbound/queue') as {
    queue_dir: string
    read_parts(name: string): unknown
    delete_dot_files(): Promise<void>
  }
  const { path } = createDivisionFolder(queue.queue_dir, 5, '1779000000000_1779000600000_2_814_Xk0q1c_3_mail')
  assert.equal(queue.read_parts(basename(path)), false)
  await queue.delete_dot_files()
  assert.ok(existsSync(path))
})

test('hmail.js found_mx, net-utils resolve_mx_hosts: an address is not looked up, and stays the same object', async () => {
  const mx = toHarakaMx(haraka.HarakaMx, mxExchange('a.example', 1), '192.0.2.1')
  assert.equal((await haraka.netUtils.resolve_mx_hosts([mx]))[0], mx)
  const hmail = await queued()
  const delivered = watch(hmail, 'try_deliver')
  await hmail.found_mx([mx])
  assert.equal(delivered.length, 1)
  assert.equal(hmail.mxlist![0], mx)
})

test('hmail.js found_mx: the null MX of RFC 7505 bounces with a text that says so', async () => {
  const hmail = await queued()
  const bounced = watch(hmail, 'bounce')
  await hmail.get_mx_respond(RETVAL.ok, NULL_MX)
  assert.match(String(bounced[0]?.[0]), /sends and receives no email \(NULL MX\)/)
})

const refusals = [
  [RETVAL.deny, 'bounce', /^No MX for example\.com$/],
  [RETVAL.denysoft, 'temp_fail', /^Temporary MX lookup error for example\.com$/],
] as const
for (const [retval, method, stock] of refusals) {
  test(`hmail.js get_mx_respond: ${method} with a fixed text, which is replaced once`, async () => {
    const plain = await queued()
    const words = watch(plain, method)
    await plain.get_mx_respond(retval, 'the reason')
    assert.match(String(words[0]?.[0]), stock)

    const explained = await queued()
    const said = watch(explained, method)
    explainFailure(explained, method, 'the reason')
    await explained.get_mx_respond(retval, 'the reason')
    explained[method]('later')
    assert.deepEqual(
      said.map(([text]) => text),
      ['the reason', 'later'],
    )
    assert.deepEqual(
      explained.todo.rcpt_to.map(({ dsn_msg }) => dsn_msg),
      ['the reason', 'the reason'],
    )
  })

  test(`failure-reason: a ${method} for another reason keeps its text`, async () => {
    const hmail = await queued()
    const said = watch(hmail, method)
    explainFailure(hmail, method, 'the reason')
    hmail[method]('something else')
    assert.deepEqual(
      said.map(([text]) => text),
      ['something else'],
    )
  })
}

test('config.js: cfg is a writable property with concurrency_max, inet_prefer and local_mx_ok', () => {
  const descriptor = Object.getOwnPropertyDescriptor(haraka.config, 'cfg')
  assert.equal(descriptor?.writable, true)
  assert.equal(descriptor?.configurable, true)
  const { concurrency_max, inet_prefer, local_mx_ok } = haraka.config.cfg
  assert.deepEqual(
    { concurrency_max, inet_prefer, local_mx_ok },
    {
      concurrency_max: 10_000,
      inet_prefer: 'default',
      local_mx_ok: false,
    },
  )
})

test('plugins.js run_hooks: an object needs only log methods and <hook>_respond', async () => {
  const { plugins } = haraka
  const seen: unknown[] = []
  plugins.registered_plugins.fake = {
    name: 'fake',
    timeout: 0.02,
    answer: (next: (retval?: number) => void, _object: object, parameters: unknown) => {
      seen.push(parameters)
      next(RETVAL.denysoft)
    },
    fail: () => {
      throw new Error('broken')
    },
    forget: () => undefined,
  }
  const run = (method: string) =>
    new Promise<unknown[]>((resolve) => {
      plugins.registered_hooks.server_details = [{ plugin: 'fake', method }]
      const log = () => undefined
      const object = {
        logdebug: log,
        loginfo: log,
        logerror: log,
        logcrit: log,
        hooks_to_run: [],
        server_details_respond: (...answer: unknown[]) => resolve(answer),
      }
      plugins.run_hooks('server_details', object, { a: 1 })
    })
  assert.equal((await run('answer'))[0], RETVAL.denysoft)
  assert.deepEqual(seen, [{ a: 1 }])
  assert.equal((await run('fail'))[0], RETVAL.cont, 'a throw counts as CONT')
  const late = await run('forget')
  assert.deepEqual(
    late.slice(0, 2),
    [RETVAL.denysoft, 'plugin timeout'],
    'the text by which a timeout is known',
  )
  delete plugins.registered_hooks.server_details
})

test('outbound/index.js: pre_send_trans_email runs for every message, with the transaction whose notes are queued', async () => {
  const { plugins, outbound } = haraka
  let notes: Record<string, unknown> | undefined
  plugins.registered_plugins.fake = {
    name: 'fake',
    keep(next: () => void, connection: { transaction: { notes: Record<string, unknown> } }) {
      notes = connection.transaction.notes
      notes.dns_overrides = { rotation_offset: 5 }
      next()
    },
  }
  plugins.registered_hooks.pre_send_trans_email = [{ plugin: 'fake', method: 'keep' }]
  // Nothing is to be delivered here.
  const { delivery_queue } = outbound as unknown as { delivery_queue: { push(item: RealHMail): void } }
  const item = new Promise<RealHMail>((resolve) => (delivery_queue.push = resolve))
  await new Promise((resolve) => outbound.send_email!('<>', 'a@example.com', MESSAGE, resolve))
  assert.ok(notes)
  const { path } = await item
  const file = readFileSync(path)
  const todo = JSON.parse(file.subarray(4, 4 + file.readUInt32BE()).toString()) as { notes: object }
  assert.deepEqual(todo.notes, { skip_plugins: [], dns_overrides: { rotation_offset: 5 } })
  delete plugins.registered_hooks.pre_send_trans_email
})

test('outbound/queue.js: a waiting message is found by its file name, and can leave the queue early', async () => {
  const { temp_fail_queue: waiting } = haraka.outbound as unknown as {
    temp_fail_queue: { length(): number; discard(id: string): unknown }
  }
  const hmail = await queued()
  hmail.next_cb = () => {}
  const before = waiting.length()
  ;(hmail as unknown as { send_email_respond(retval: number, seconds: number): void }).send_email_respond(
    908,
    3600,
  )
  assert.equal(waiting.length(), before + 1)
  waiting.discard(hmail.filename!)
  assert.equal(waiting.length(), before)
  assert.throws(() => waiting.discard(hmail.filename!))
})

test('haraka-config: type data keeps every line, and each file has one reload callback', () => {
  const config = require('haraka-config') as {
    get(name: string, type: string, callback?: () => void): string[]
  }
  const reader = require('haraka-config/lib/reader') as object
  const known = Object.getOwnPropertyDescriptor(reader, '_read_args')?.value as Record<
    string,
    { cb?: () => void }
  >
  const path = join(haraka.folder, 'config', 'lines.ini')
  writeFileSync(path, '; comment\r\n\n  a = b ; c\n\n[x]')
  const first = () => undefined
  const second = () => undefined
  assert.deepEqual(config.get('lines.ini', 'data', first), ['; comment', '', '  a = b ; c', '', '[x]'])
  config.get('lines.ini', 'data', second)
  assert.equal(known[path]?.cb, second, 'so nobody may ask for a file that Haraka itself watches')
})
