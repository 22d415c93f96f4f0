/**
 * Real name servers for tests, on loopback and ports of their own, each in a temporary folder: knotd (authoritative) and unbound
 * (recursive). Both end by their own process handle. Use `needs('knotd')`, `needs('unbound')` for a test's `skip` option.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeMessage, encodeQuestion, FLAGS, TYPES } from './dns-wire'
import { findProgram } from './programs'

/** How long a server may take to start, milliseconds, and how often it is asked whether it has. */
const START_LIMIT = 60_000
const ASK_EVERY = 20

export interface RealServer {
  readonly port: number
  /** For `createResolver`'s `servers`. */
  readonly server: { readonly address: string; readonly port: number; readonly transport: 'udp' | 'tls' }
  /** Ends the process and removes its folder. May be called twice. */
  stop(): Promise<void>
}

export interface KnotServer extends RealServer {
  /** Replaces a zone's text; settles when the new one is served (the SOA serial is counted up here). */
  reload(origin: string, text: string): Promise<void>
}

/**
 * Starts knotd with these zones, such as `{ 'example.com': '@ MX 10 mx\nmx A 192.0.2.1' }`. The text is a zone file (RFC 1035 5)
 * whose names are relative to the origin, every line with its owner (the text may be indented); `$TTL 300`, SOA (negative TTL 60) and NS are put before it unless it has a SOA.
 */
export async function startKnot(
  zones: Readonly<Record<string, string>>,
  options: { readonly port?: number } = {},
): Promise<KnotServer> {
  const folder = mkdtempSync(join(tmpdir(), 'knot-'))
  const origins = Object.keys(zones)
  let serial = 1
  const write = (origin: string, text: string): void =>
    writeFileSync(join(folder, `${origin}.zone`), zoneFile(text, serial))
  for (const [origin, text] of Object.entries(zones)) write(origin, text)

  const launch = (port: number): ChildProcess => {
    const domains = origins.map((origin) => `  - domain: ${origin}\n    file: ${origin}.zone\n`).join('')
    writeFileSync(
      join(folder, 'knot.conf'),
      [
        'server:',
        `  rundir: ${folder}`,
        `  listen: 127.0.0.1@${port}`,
        '  udp-workers: 1',
        '  tcp-workers: 1',
        '  background-workers: 1',
        'database:',
        `  storage: ${folder}`,
        'template:',
        '  - id: default',
        `    storage: ${folder}`,
        '    zonefile-sync: -1',
        '    zonefile-load: whole',
        '    journal-content: none',
        `zone:\n${domains}`,
      ].join('\n'),
    )
    return spawn(findProgram('knotd')!, ['-c', join(folder, 'knot.conf')], { stdio: 'ignore' })
  }
  const origin = origins[0]!
  const { child, port } = await start(launch, options.port, (at) => serves(at, origin, TYPES.SOA))
  return {
    ...running(child, port, folder),
    async reload(name, text) {
      serial++
      write(name, text)
      child.kill('SIGHUP')
      await until(() => serialOf(port, name).then((found) => found === serial), child)
    },
  }
}

export interface UnboundOptions {
  /** Zone -> port of its authoritative server on 127.0.0.1. */
  readonly stubs?: Readonly<Record<string, number>>
  /** Zone ('.' for all) -> port of a server on 127.0.0.1 that is asked for it. */
  readonly forwards?: Readonly<Record<string, number>>
  /** Serves DNS over TLS (RFC 7858) on the port, with this key and certificate (paths of PEM files), instead of UDP and TCP. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Further lines of the `server:` clause. */
  readonly lines?: readonly string[]
  readonly port?: number
}

/** Starts unbound, which validates nothing and asks nobody but the stubs and forwards: all else it refuses. */
export async function startUnbound(options: UnboundOptions = {}): Promise<RealServer> {
  const folder = mkdtempSync(join(tmpdir(), 'unbound-'))
  const launch = (port: number): ChildProcess => {
    const tls = options.tls
    writeFileSync(
      join(folder, 'unbound.conf'),
      [
        'server:',
        `  interface: 127.0.0.1@${port}`,
        ...(tls === undefined
          ? []
          : [`  tls-port: ${port}`, `  tls-service-key: "${tls.key}"`, `  tls-service-pem: "${tls.cert}"`]),
        '  do-daemonize: no',
        '  username: ""',
        '  chroot: ""',
        `  directory: "${folder}"`,
        '  pidfile: ""',
        '  use-syslog: no',
        '  logfile: ""',
        '  verbosity: 0',
        '  num-threads: 1',
        '  outgoing-range: 200',
        '  module-config: "iterator"',
        '  do-not-query-localhost: no',
        '  do-ip6: no',
        '  access-control: 127.0.0.0/8 allow',
        // What is neither stub nor forward is refused, so that nothing goes out to the root servers.
        ...(options.forwards?.['.'] === undefined ? ['  local-zone: "." refuse'] : []),
        '  local-zone: "test." nodefault',
        ...[...Object.keys(options.stubs ?? {}), ...Object.keys(options.forwards ?? {})].map(
          (zone) => `  local-zone: "${zone}" transparent`,
        ),
        ...(options.lines ?? []).map((line) => `  ${line}`),
        'remote-control:',
        '  control-enable: no',
        ...clauses('stub-zone', 'stub-addr', options.stubs),
        ...clauses('forward-zone', 'forward-addr', options.forwards),
        '',
      ].join('\n'),
    )
    return spawn(findProgram('unbound')!, ['-d', '-c', join(folder, 'unbound.conf')], { stdio: 'ignore' })
  }
  const ready =
    options.tls === undefined
      ? (port: number) => serves(port, 'localhost', TYPES.A)
      : (port: number) => accepts(port)
  const { child, port } = await start(launch, options.port, ready)
  const real = running(child, port, folder)
  return options.tls === undefined ? real : { ...real, server: { ...real.server, transport: 'tls' } }
}

/** Clauses of unbound.conf, one for each zone. */
function clauses(word: string, field: string, zones: Readonly<Record<string, number>> = {}): string[] {
  return Object.entries(zones).flatMap(([zone, port]) => [
    `${word}:`,
    `  name: "${zone}"`,
    `  ${field}: 127.0.0.1@${port}`,
  ])
}

/** A port of 127.0.0.1 on which nothing listens, for TCP and UDP alike, at the time of asking. */
export async function freePort(): Promise<number> {
  for (;;) {
    const tcp = createServer()
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const { port } = tcp.address() as AddressInfo
    const udp = createSocket('udp4')
    const free = await new Promise<boolean>((resolve) => {
      udp.on('error', () => resolve(false))
      udp.bind(port, '127.0.0.1', () => resolve(true))
    })
    const closed = [once(tcp, 'close'), once(udp, 'close')]
    tcp.close()
    udp.close()
    await Promise.all(closed)
    if (free) return port
  }
}

function zoneFile(text: string, serial: number): string {
  const head = /\sSOA\s/i.test(text)
    ? ''
    : `$TTL 300\n@ SOA ns.example. hostmaster.example. ${serial} 3600 600 86400 60\n@ NS ns.example.\n`
  return `${head}${text.replace(/^[ \t]+(?=\S)/gm, '')}\n`
}

/** Launches on a free port until the server is ready; another process may take the port in between, so more than once. */
async function start(
  launch: (port: number) => ChildProcess,
  fixed: number | undefined,
  ready: (port: number) => Promise<boolean>,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = fixed ?? (await freePort())
    const child = launch(port)
    try {
      await until(() => ready(port), child)
      return { child, port }
    } catch (error) {
      await end(child)
      if (attempt === 3) throw error
    }
  }
}

function running(child: ChildProcess, port: number, folder: string): RealServer {
  return {
    port,
    server: { address: '127.0.0.1', port, transport: 'udp' },
    async stop() {
      await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await exit
  clearTimeout(timer)
}

async function until(condition: () => Promise<boolean>, child: ChildProcess): Promise<void> {
  const limit = performance.now() + START_LIMIT
  while (!(await condition())) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`)
    if (performance.now() > limit) throw new Error(`${child.spawnfile} does not answer`)
  }
}

const serves = async (port: number, name: string, type: number): Promise<boolean> => {
  const reply = await exchange(port, name, type)
  return reply !== undefined && (reply[3]! & 0xf) === 0 && reply.readUInt16BE(6) > 0
}

async function serialOf(port: number, origin: string): Promise<number | undefined> {
  const reply = await exchange(port, origin, TYPES.SOA)
  // The serial is the first of the five numbers that end the SOA, here the only record of the reply.
  return reply === undefined || reply.readUInt16BE(6) !== 1
    ? undefined
    : reply.readUInt32BE(reply.length - 20)
}

/** One query by UDP; undefined if no reply comes soon. */
function exchange(port: number, name: string, type: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const done = (reply?: Buffer): void => {
      clearTimeout(timer)
      socket.close()
      resolve(reply)
    }
    const timer = setTimeout(() => done(), 250)
    socket.once('message', (reply) => done(reply))
    // A port not yet open: the answer is at once; the next try is a little later.
    socket.once('error', () => {
      clearTimeout(timer)
      socket.close()
      setTimeout(() => resolve(undefined), ASK_EVERY)
    })
    socket.connect(port, '127.0.0.1', () => {
      socket.send(encodeMessage({ id: 1, flags: FLAGS.RD, question: encodeQuestion(name, type) }))
    })
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => setTimeout(() => resolve(false), ASK_EVERY))
  })
}
