import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PREFIX } from '../../lib/redis/keys'
import type { HarakaServer } from '../support/haraka-server'
import { FEW, PASSWORD, RedisHosts, USER } from '../support/redis-hosts'
import { needsRedis, type ProxyMode, readRights, RedisServer } from '../support/redis-server'
import { until } from '../support/until'

// Two Haraka folders as two hosts, two workers each, and one Redis, to which everything happens that the operations page speaks of.

const OTHER_PASSWORD = 'Secret99'
/** Connections to Redis: of each worker, and of each master. */
const CONNECTIONS = 6
/** What each kind of key has, without those that are named by a hash: `limit:*`, `hours:*` and `answer:*`. */
const TYPES = {
  hosts: 'hash',
  short: 'hash',
  holds: 'hash',
  breakers: 'hash',
  'breakers:changes': 'zset',
  rotation: 'string',
  hits: 'hash',
  'hits:changes': 'zset',
  'hits:servers': 'hash',
  answers: 'zset',
} as const
const HASHED = ['limit:', 'hours:', 'answer:']

/** Each key of ours gets another type. */
const SPOIL = `
for _, key in ipairs(redis.call('KEYS', '${PREFIX}*')) do
  local isText = redis.call('TYPE', key).ok == 'string'
  redis.call('DEL', key)
  redis.call(isText and 'RPUSH' or 'SET', key, 'text')
end
`

/** What the log says of Redis. */
interface Outage {
  readonly why: string
  readonly isOver: boolean
}

/** @throws AssertionError if it is not said in turn that Redis is gone and that it is back */
function outagesIn(haraka: HarakaServer): Outage[] {
  const outages: Outage[] = []
  for (const line of haraka.lines(/Redis is (?:gone|back)/)) {
    const why = /Redis is gone \((.*)\): each server goes on by itself/.exec(line)?.[1]
    const last = outages.at(-1)
    assert.equal(why !== undefined, last === undefined || last.isOver, line)
    if (why !== undefined) outages.push({ why, isOver: false })
    else outages[outages.length - 1] = { ...last!, isOver: true }
  }
  return outages
}

/** On a machine that is busy with other tests, 100 ms may pass without a reply. */
const isSlow = ({ why }: Outage) => why === 'no reply within 100 ms'

/** A machine that is busy with other tests is slow to find out. Milliseconds. */
const PATIENCE_MS = 120_000

interface Fault {
  readonly name: string
  readonly begin: () => unknown
  /** Absent: it is over by itself. */
  readonly end?: () => unknown
  /** Why Redis is gone, as the log has it; absent: it is not. */
  readonly why?: RegExp
}

test(
  'two hosts deliver all mail once and within its limits, whatever happens to Redis',
  { skip: needsRedis(), timeout: 900_000 },
  async (t) => {
    const world = await RedisHosts.start(t)
    const { redis, proxy, hosts } = world
    const empty = await RedisServer.start(t, '--user', USER, 'on', `>${PASSWORD}`, ...readRights())
    const command = (...words: string[]) => redis.command(...words)
    const setMode = (mode: ProxyMode) => () => (proxy.mode = mode)
    const lead = (to: RedisServer) => () => {
      proxy.to = to.port
      proxy.drop()
    }
    const typesIn = async () => {
      const keys = (await command('KEYS', `${PREFIX}*`)) as readonly string[]
      const types = await Promise.all(keys.map((key) => command('TYPE', key)))
      return new Map(keys.map((key, index) => [key.slice(PREFIX.length), types[index]]))
    }
    const isAllThere = async () => {
      const types = await typesIn()
      return Object.entries(TYPES).every(([key, type]) => types.get(key) === type)
    }
    const isRight = async () => {
      const types = [...(await typesIn())]
      return types.every(([key, type]) => type === 'hash' || !/^(?:limit|hours):/.test(key))
    }

    await world.prepare()
    await until(isAllThere, 'keys of all kinds')
    const dead = world.dead.connections()
    const memory = world.memory()

    const faults: readonly Fault[] = [
      {
        name: 'flushed, with its scripts',
        begin: async () => {
          await command('FLUSHALL')
          await command('SCRIPT', 'FLUSH')
        },
      },
      {
        name: 'killed, and started again',
        why: /Socket closed|ECONN/,
        begin: () => redis.kill(),
        end: () => redis.start(),
      },
      {
        name: 'failed over to an empty replica',
        why: /Socket closed|ECONN/,
        begin: lead(empty),
      },
      {
        name: 'back at the first, whose data are old',
        why: /Socket closed|ECONN/,
        begin: lead(redis),
      },
      {
        name: 'an empty and read-only replica',
        why: /READONLY|MASTERDOWN|LOADING/,
        begin: () => command('REPLICAOF', '127.0.0.1', String(empty.port)),
        end: () => command('REPLICAOF', 'NO', 'ONE'),
      },
      {
        name: 'out of memory (maxmemory, noeviction)',
        why: /OOM/,
        begin: () => command('CONFIG', 'SET', 'maxmemory', '1'),
        end: () => command('CONFIG', 'SET', 'maxmemory', '0'),
      },
      {
        name: 'slow',
        why: /no reply within 100 ms/,
        begin: setMode('slow'),
        end: setMode('pass'),
      },
      {
        name: 'paused for a while (CLIENT PAUSE)',
        why: /no reply within 100 ms/,
        begin: () => command('CLIENT', 'PAUSE', '1000'),
      },
      {
        name: 'hung (SIGSTOP)',
        why: /no reply within 100 ms/,
        begin: () => process.kill(redis.pid, 'SIGSTOP'),
        end: () => process.kill(redis.pid, 'SIGCONT'),
      },
      {
        name: 'hung for so long that all connections are given up',
        why: /no reply within 100 ms/,
        begin: async () => {
          const before = proxy.connections()
          process.kill(redis.pid, 'SIGSTOP')
          await until(() => proxy.connections() >= before + CONNECTIONS, 'other connections')
        },
        end: () => process.kill(redis.pid, 'SIGCONT'),
      },
      {
        name: 'replies that are cut off in their middle',
        why: /Socket closed/,
        begin: setMode('cut'),
        end: setMode('pass'),
      },
      {
        name: 'replies that are rubbish',
        why: /./,
        begin: setMode('garble'),
        end: setMode('pass'),
      },
      {
        name: 'no replies at all',
        why: /no reply within 100 ms/,
        begin: setMode('hang'),
        end: setMode('pass'),
      },
      {
        name: 'another password',
        why: /Socket closed|ECONNRESET|WRONGPASS/,
        begin: async () => {
          await command('ACL', 'SETUSER', USER, 'resetpass', `>${OTHER_PASSWORD}`)
          await command('CLIENT', 'KILL', 'USER', USER)
        },
        end: () => command('ACL', 'SETUSER', USER, 'resetpass', `>${PASSWORD}`),
      },
      {
        name: 'no right to run scripts',
        why: /NOPERM/,
        begin: () => command('ACL', 'SETUSER', USER, '-evalsha', '-eval'),
        end: () => command('ACL', 'SETUSER', USER, '+evalsha', '+eval'),
      },
      {
        name: 'other types under all our keys',
        begin: async () => {
          await until(isAllThere, 'keys of all kinds')
          const keys = [...(await typesIn()).keys()]
          for (const kind of HASHED)
            assert.ok(
              keys.some((key) => key.startsWith(kind)),
              kind,
            )
          await command('EVAL', SPOIL, '0')
        },
        end: () =>
          until(
            async () => (await isAllThere()) && (await isRight()),
            'keys of the right types',
            PATIENCE_MS,
          ),
      },
    ]

    for (const { name, why, begin, end } of faults) {
      await t.test(`Redis: ${name}`, async () => {
        const isOver = () => hosts.every((haraka) => outagesIn(haraka).every((outage) => outage.isOver))
        await until(isOver, 'the end of the last', PATIENCE_MS)
        const before = hosts.map((haraka) => outagesIn(haraka).length)
        const outagesOf = () => hosts.map((haraka, index) => outagesIn(haraka).slice(before[index]))
        await begin()
        if (why !== undefined) {
          const isGone = (outages: Outage[]) => outages.some((outage) => end === undefined || !outage.isOver)
          await until(() => outagesOf().every(isGone), 'gone', PATIENCE_MS)
        }
        await world.send(name)
        await end?.()
        await until(isOver, 'back', PATIENCE_MS)
        await world.deliver(`${name}: over`)
        for (const outages of outagesOf()) {
          const sharp = outages.filter((outage) => !isSlow(outage))
          const expected = why === undefined ? 0 : 1
          assert.ok(sharp.length <= expected && outages.length >= expected, JSON.stringify(outages))
          for (const outage of sharp) assert.match(outage.why, why!)
        }
        assert.ok(world.isp.most() <= 3, `${world.isp.most()} connections`)
        assert.equal(world.few.received.length, FEW)
        assert.equal(world.dead.connections(), dead, 'what is left out stays so')
        assert.equal(world.held.connections(), 0)
      })
    }

    assert.deepEqual(world.misdelivered(), [])
    assert.equal(world.isp.most(), 3)
    const after = world.memory()
    assert.deepEqual([...after.keys()].sort(), [...memory.keys()].sort(), 'no process has ended')
    const grown = [...after].map(([pid, now]) => now - memory.get(pid)!)
    t.diagnostic(`${grown.join(', ')} MB more`)
    assert.ok(
      grown.every((each) => each < 60),
      `${grown.join(', ')} MB`,
    )
    for (const haraka of hosts) {
      const bad = new RegExp(`unhandled|uncaught|\\[CRIT\\]|${PASSWORD}|${OTHER_PASSWORD}`, 'i')
      assert.deepEqual(haraka.lines(bad), [])
    }
  },
)
