import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { startScripted, type Scripted } from '../support/smtp-scripted'
import { injectFaults, needsStrace, type Faults } from '../support/strace'

// Haraka is killed, or the disk fails it, while a message is divided by $rcpt: each recipient gets the message once, and nothing is left.

const LOCALS = ['one', 'two', 'three']
/** Until a part is written, milliseconds. */
const LONGEST = 120_000
/** So much that writing a part takes some time. */
const LARGE = `${'x'.repeat(998)}\r\n`.repeat(20_000)

interface Scene {
  readonly haraka: HarakaServer
  readonly servers: readonly Scripted[]
  /** Every recipient who is to have got a message. */
  readonly sent: string[]
}

/** A server for each recipient. They are silent at first, so that nothing is under way when Haraka is killed. */
async function prepare(options: Partial<HarakaOptions> = {}): Promise<Scene> {
  const servers = await Promise.all(LOCALS.map(() => startScripted({ script: () => 'silence' })))
  const haraka = await HarakaServer.start({
    overrides: LOCALS.map((local, n) => `* 127.0.0.1:${servers[n]!.port} $rcpt~=${local}@* $end`).join('\n'),
    outbound: ['temp_fail_intervals=1h*3', 'local_mx_ok=true'],
    ...options,
  })
  return { haraka, servers, sent: [] }
}

async function clear({ haraka, servers }: Scene): Promise<void> {
  await haraka.close()
  await Promise.all(servers.map((server) => server.close()))
}

/** Do the servers answer? */
function setOpen({ servers }: Scene, isOpen: boolean): void {
  for (const server of servers) server.script(isOpen ? undefined : () => 'silence')
}

/** Hands in a message to all recipients. Haraka may be gone before it can say that it has it. */
async function send({ haraka, sent }: Scene, body = ''): Promise<void> {
  const to = LOCALS.map((local) => `${local}@d${sent.length}.example`)
  sent.push(...to)
  await haraka.send({ from: 's@client.example', to, body }).catch(() => {})
}

/** Names in the queue folder, and in the folder of a division. */
function stateOf({ folder }: HarakaServer): { readonly queue: number; readonly division: readonly string[] } {
  const queue = join(folder, 'queue')
  const names = readdirSync(queue)
  const divisions = names.filter((name) => name.startsWith('error.'))
  return {
    queue: names.length - divisions.length,
    division: divisions
      .flatMap((name) => list(join(queue, name)))
      .map((name) => (name === 'original' ? name : 'part'))
      .toSorted(),
  }
}

/** Process ids of the workers. */
function workersOf({ pid }: HarakaServer): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
}

/** Injects a fault, and sees to it that the main thread renames nothing but queue files: it cannot write what the state folder holds. */
function injectInto({ folder }: HarakaServer, pid: number, fault: string): Promise<Faults> {
  for (const name of [`${pid}.json`, 'status.json', 'rule-hits'])
    mkdirSync(join(folder, 'dns_overrides_state', `new.${name}`), { recursive: true })
  return injectFaults(pid, fault)
}

/** Names in a folder; none if it is gone. */
function list(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** Each recipient has got each message once, and nothing is left over. */
async function assertDelivered({ haraka, servers, sent }: Scene): Promise<void> {
  const isIdle = () => readdirSync(join(haraka.folder, 'queue')).length === 0
  await haraka.waitFor(isIdle, 'an empty queue', servers)
  const taken = servers.map((server) => server.taken.flatMap(({ rcptTo }) => rcptTo))
  assert.deepEqual(
    taken,
    LOCALS.map((local) => sent.filter((recipient) => recipient.startsWith(`${local}@`))),
  )
  assert.equal(haraka.lines(/bouncing mail/).length, 0)
}

/** What fails, and what is in the log then. */
const FAILURES: readonly (readonly [string, string, RegExp])[] = [
  [
    'no folder may be made',
    'mkdir:error=EACCES',
    /waiting 3600 s, not counted as an attempt: .* cannot be divided: EACCES: permission denied, mkdir/,
  ],
  [
    'the folder is on another file system',
    'rename:error=EXDEV',
    /waiting 3600 s, not counted as an attempt: .* cannot be divided: EXDEV: cross-device link not permitted/,
  ],
]

/** The system call before which Haraka is killed, and what is on the disk then. */
const MOMENTS: readonly (readonly [string, string, number, readonly string[]])[] = [
  ['before the folder is made', 'mkdir:signal=SIGKILL', 1, []],
  ['with all parts written', 'rename:signal=SIGKILL:when=1', 1, ['part', 'part', 'part']],
  ['when the parts count', 'rename:signal=SIGKILL:when=2', 0, ['original', 'part', 'part', 'part']],
  ['with one part in the queue', 'rename:signal=SIGKILL:when=3', 1, ['original', 'part', 'part']],
  ['with all but one part in the queue', 'rename:signal=SIGKILL:when=4', 2, ['original', 'part']],
  ['with all parts in the queue', 'unlink:signal=SIGKILL', 3, ['original']],
  ['with the empty folder left', 'rmdir:signal=SIGKILL', 3, []],
]

describe('Haraka is killed', () => {
  let scene: Scene
  before(async () => {
    scene = await prepare()
  })
  after(() => clear(scene))

  for (const [title, fault, queue, division] of MOMENTS) {
    it(title, { skip: needsStrace() }, async () => {
      const { haraka } = scene
      setOpen(scene, false)
      await injectInto(haraka, haraka.pid, fault)
      await send(scene)
      await haraka.waitForExit()
      assert.deepEqual(stateOf(haraka), { queue, division })
      setOpen(scene, true)
      await haraka.restart()
      await assertDelivered(scene)
    })
  }

  for (const written of [0, 1, 2]) {
    it(`while part ${written + 1} is written`, async () => {
      const { haraka } = scene
      setOpen(scene, false)
      const seen = () => stateOf(haraka).division.filter((name) => name === 'part').length > written
      const sending = send(scene, LARGE)
      const end = Date.now() + LONGEST
      while (!seen()) {
        assert.ok(Date.now() < end)
        await delay(1)
      }
      await haraka.kill9()
      await sending
      setOpen(scene, true)
      await haraka.restart()
      await assertDelivered(scene)
    })
  }
})

describe('one of two workers is killed, and another takes over', () => {
  let scene: Scene
  before(async () => {
    scene = await prepare({ nodes: 2 })
  })
  after(() => clear(scene))

  // With all parts written, when the parts count, and with one part in the queue.
  for (const [title, fault, , division] of MOMENTS.slice(1, 4)) {
    it(title, { skip: needsStrace() }, async () => {
      const { haraka } = scene
      setOpen(scene, false)
      const mark = haraka.mark()
      const traced = await Promise.all(workersOf(haraka).map((pid) => injectInto(haraka, pid, fault)))
      await send(scene)
      await haraka.waitForLog(/worker \d+ killed by signal SIGKILL/, mark)
      setOpen(scene, true)
      await Promise.all(traced.map((faults) => faults.stop()))
      const end = division.includes('original') ? 'completed' : 'undone'
      await haraka.waitForLog(new RegExp(`division of a message was interrupted, and is ${end}`), mark)
      await assertDelivered(scene)
    })
  }
})

describe('one of two workers is killed, and then the whole server', () => {
  let scene: Scene
  before(async () => {
    scene = await prepare({ nodes: 2 })
  })
  after(() => clear(scene))

  it('the next start takes over', { skip: needsStrace() }, async () => {
    const { haraka } = scene
    const mark = haraka.mark()
    await Promise.all(workersOf(haraka).map((pid) => injectInto(haraka, pid, 'rename:signal=SIGKILL:when=3')))
    await send(scene)
    await haraka.waitForLog(/worker \d+ killed by signal SIGKILL/, mark)
    await haraka.kill9()
    assert.deepEqual(stateOf(haraka), { queue: 1, division: ['original', 'part', 'part'] })
    setOpen(scene, true)
    await haraka.restart()
    await assertDelivered(scene)
    assert.equal(haraka.lines(/division of a message was interrupted, and is completed/, mark).length, 1)
  })
})

describe('the disk fails', () => {
  let scene: Scene
  before(async () => {
    scene = await prepare()
    setOpen(scene, true)
  })
  after(() => clear(scene))

  it(
    'parts that cannot be moved into the queue are moved later, and the others go at once',
    { skip: needsStrace() },
    async () => {
      const { haraka, servers } = scene
      const faults = await injectInto(haraka, haraka.pid, 'rename:error=EIO:when=3+')
      await send(scene)
      await haraka.waitForLog(/divided messages wait in .*, tried again in 10 s: EIO/)
      await haraka.waitFor(() => servers.some(({ taken }) => taken.length === 1), 'the first', servers)
      assert.deepEqual(stateOf(haraka).division, ['original', 'part', 'part'])
      await faults.stop()
      await assertDelivered(scene)
    },
  )

  for (const [what, fault, reason] of FAILURES) {
    it(what, { skip: needsStrace() }, async () => {
      const { haraka, servers } = scene
      const mark = haraka.mark()
      const faults = await injectInto(haraka, haraka.pid, fault)
      await send(scene)
      await haraka.waitForLog(reason, mark)
      await faults.stop()
      assert.equal(stateOf(haraka).queue, 1)
      assert.deepEqual(stateOf(haraka).division, [])
      await haraka.flushUntil(() => haraka.queueFiles().length === 0, 'an empty queue', servers)
      await assertDelivered(scene)
    })
  }
})
