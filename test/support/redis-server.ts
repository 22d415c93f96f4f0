import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisClient, createClient, mergeSettings } from '../../lib/redis/client'
import { type RedisConnection, type RedisConnectionOptions, openConnection } from '../../lib/redis/connection'
import { freePort } from './dns-servers'
import { findProgram, needs } from './programs'

/** REDIS_SERVER in the environment names another one: Valkey's, say. */
const PROGRAM = process.env.REDIS_SERVER ?? 'redis-server'
/** How often it is asked whether the server listens, milliseconds. */
const ASK_EVERY = 20

/** For a test's `skip` option. */
export const needsRedis = (): false | string => needs(PROGRAM)

/** The rights that docs/operations.md asks for, as rules of an ACL. */
export function readRights(): readonly string[] {
  const page = readFileSync('docs/operations.md', 'utf8')
  return /`(~dns_overrides:v1:\* [^`]*)`/.exec(page)![1]!.split(/\s+/)
}

/** A real Redis on loopback that keeps nothing over a restart. */
export class RedisServer {
  #process: ChildProcess | undefined
  #admin: RedisClient | undefined

  private constructor(
    readonly port: number,
    readonly folder: string,
    readonly options: readonly string[],
  ) {}

  /** @param options of the command line */
  static async start(t: Pick<TestContext, 'after'>, ...options: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'redis-')), options)
    t.after(async () => {
      await server.kill()
      rmSync(server.folder, { recursive: true, force: true })
    })
    await server.start()
    return server
  }

  get pid(): number {
    return this.#process!.pid!
  }

  /** Starts it again, on the same port, with nothing in it. */
  async start(): Promise<void> {
    const { port, folder, options } = this
    const common = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
    this.#process = spawn(findProgram(PROGRAM)!, [...common, ...options], { stdio: 'ignore' })
    while (!(await accepts(port))) await sleep(ASK_EVERY)
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    this.#close()
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** Runs a command by a connection of its own. */
  async command(...command: string[]): Promise<unknown> {
    if (this.#admin === undefined) {
      const client = createClient({ socket: { host: '127.0.0.1', port: this.port } })
      client.on('error', () => this.#close())
      client.unref()
      await client.connect()
      this.#admin = client
    }
    return this.#admin.sendCommand(command)
  }

  /** Takes all rights away but those that docs/operations.md asks for. */
  async restrict(): Promise<void> {
    await this.command('ACL', 'SETUSER', 'default', 'reset', 'on', 'nopass', ...readRights())
  }

  /** Lines of `[redis]`, with further ones. */
  section(...lines: string[]): string {
    return ['[redis]', 'host = 127.0.0.1', `port = ${this.port}`, ...lines].join('\n')
  }

  #close(): void {
    try {
      this.#admin?.destroy()
    } catch {
      // It has closed itself.
    }
    this.#admin = undefined
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.on('error', () => done(false))
  })
}

/** What a connection of the plugin's said of Redis: `gone` and `back`, in order. */
export interface WatchedConnection {
  readonly connection: RedisConnection
  readonly said: readonly string[]
}

/** How long a connection waits for a reply. A test may change it on the way. */
export interface Patience {
  readonly patienceMs: number
}

/** For tests that are not about a slow Redis: the machine may be busy with others. */
export const PATIENT: Patience = { patienceMs: 60_000 }

/** Patient until the test makes Redis slow, and sets it to less: before that, only the machine can be slow. */
export const startPatient = (): { patienceMs: number } => ({ ...PATIENT })

/** Opens a connection as the plugin does. Without `patience` it is as patient as the plugin. */
export function connectTo(
  t: Pick<TestContext, 'after'>,
  port: number,
  settings: Readonly<Record<string, string>> = {},
  patience?: Patience,
): WatchedConnection {
  const said: string[] = []
  const section = { host: '127.0.0.1', port: String(port), ...settings }
  const options: RedisConnectionOptions = {
    createClient: () => createClient(mergeSettings({ section, redisIni: {} })),
    onGone: (why) => said.push(`gone: ${why}`),
    onBack: () => said.push('back'),
  }
  const connection = openConnection(
    patience === undefined
      ? options
      : {
          ...options,
          get patienceMs() {
            return patience.patienceMs
          },
        },
  )
  t.after(() => connection.close())
  return { connection, said }
}

/** A connection that runs its scripts by `run`. */
export function interceptRun(connection: RedisConnection, run: RedisConnection['run']): RedisConnection {
  return {
    get isReady() {
      return connection.isReady
    },
    get isLate() {
      return connection.isLate
    },
    get serial() {
      return connection.serial
    },
    run,
    onReady: (listener) => connection.onReady(listener),
    close: () => connection.close(),
  }
}

/** What the proxy does with bytes from Redis. */
export type ProxyMode =
  | 'pass'
  /** Nothing comes back any more. */
  | 'hang'
  /** Each reply comes later than anybody waits for it. */
  | 'slow'
  /** Each reply is cut in its middle, and the connection with it. */
  | 'cut'
  /** Rubbish comes in place of each reply. */
  | 'garble'

/** A TCP proxy in front of Redis. */
export interface RedisProxy {
  readonly port: number
  mode: ProxyMode
  /** How much later a reply comes that is slow, milliseconds. */
  slowMs: number
  /** The port of Redis for the connections that are made from now on. */
  to: number
  /** Connections that were made. */
  readonly connections: () => number
  /** Ends all connections. */
  readonly drop: () => void
}

export async function startProxy(t: TestContext, to: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    connections++
    const inner = connect(proxy.to, '127.0.0.1')
    for (const each of [socket, inner]) {
      sockets.add(each)
      each.on('error', () => {})
      each.on('close', () => {
        sockets.delete(each)
        socket.destroy()
        inner.destroy()
      })
    }
    socket.pipe(inner)
    inner.on('data', (chunk) => {
      switch (proxy.mode) {
        case 'pass':
          return socket.write(chunk)
        case 'hang':
          return undefined
        case 'slow':
          // Timers of the same length end in the order in which they began.
          setTimeout(() => socket.write(chunk), proxy.slowMs)
          return undefined
        case 'cut':
          socket.write(chunk.subarray(0, Math.ceil(chunk.length / 2)))
          return socket.end()
        case 'garble':
          return socket.write('250 ok, this is no Redis\r\n')
        default:
          return proxy.mode satisfies never
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  t.after(() => {
    server.close()
    drop()
  })
  const { port } = server.address() as AddressInfo
  const proxy: RedisProxy = { port, mode: 'pass', slowMs: 250, to, connections: () => connections, drop }
  return proxy
}
