/**
 * Name servers for tests, in Node alone, on loopback and ports of their own: {@link startScripted} answers as its script says, in
 * ways that no real server can be made to; {@link startZone} is a small authoritative server from a table.
 */
import { once } from 'node:events'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import {
  aaaaRecord,
  aRecord,
  cnameRecord,
  decodeQuery,
  encodeMessage,
  FLAGS,
  mxRecord,
  optRecord,
  RCODES,
  soaRecord,
  TYPES,
  u16,
  type WireMessage,
  type WireQuery,
  type WireRecord,
} from './dns-wire'

/** A query that a scripted server has got, and the way back to the one who asked. */
export interface ScriptedQuery extends WireQuery {
  readonly transport: 'udp' | 'tcp' | 'tls'
  /** Source port of the client. */
  readonly port: number
  /** Milliseconds since the server was started. */
  readonly at: number
  /** Sends these bytes (over TCP and TLS with their length before them). */
  send(bytes: Buffer): void
  /** Sends a reply to this query: id and question as asked unless given. */
  reply(message?: Partial<WireMessage>): void
  /** The client's connection; absent for UDP. */
  readonly socket?: Socket
}

export type Script = (query: ScriptedQuery) => void

export interface ScriptedServer {
  /** For `createResolver`'s `servers`. */
  readonly server: { readonly address: string; readonly port: number; readonly transport: 'udp' | 'tls' }
  readonly port: number
  /** Every query, in the order of arrival. */
  readonly queries: readonly ScriptedQuery[]
  /** Connections (TCP, TLS) that are open now, and that were ever made. */
  readonly connections: { readonly open: number; readonly ever: number }
  /** Sends a datagram from this server's port to another of loopback. */
  sendTo(bytes: Buffer, port: number): void
  /** Takes another script from the next query on. */
  script(next: Script): void
  /** Settles when so many queries have come. */
  received(count: number): Promise<void>
  stop(): Promise<void>
}

export interface ScriptedOptions {
  /** Default 127.0.0.1. */
  readonly address?: string
  /** Default: any free one. */
  readonly port?: number
  /** With a certificate the server speaks TLS alone (RFC 7858). */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer }
}

/** Starts a server that answers by a script: UDP and TCP on one port, or TLS. */
export async function startScripted(script: Script, options: ScriptedOptions = {}): Promise<ScriptedServer> {
  const address = options.address ?? '127.0.0.1'
  const transport = options.tls === undefined ? 'udp' : 'tls'
  const started = performance.now()
  const queries: ScriptedQuery[] = []
  const waiters: { readonly count: number; readonly resolve: () => void }[] = []
  const sockets = new Set<Socket>()
  let ever = 0
  let stopped = false
  let current = script

  const take = (bytes: Buffer, way: Pick<ScriptedQuery, 'transport' | 'port' | 'send' | 'socket'>): void => {
    const decoded = decodeQuery(bytes)
    const { id, question } = decoded
    const query: ScriptedQuery = {
      ...decoded,
      ...way,
      at: performance.now() - started,
      reply: (message = {}) => way.send(encodeMessage({ id, question, ...message })),
    }
    queries.push(query)
    current(query)
    for (const waiter of waiters) if (queries.length >= waiter.count) waiter.resolve()
  }

  const serve = (socket: Socket): void => {
    sockets.add(socket)
    ever++
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    let buffered: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk])
      while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
        const end = 2 + buffered.readUInt16BE(0)
        const bytes = buffered.subarray(2, end)
        buffered = buffered.subarray(end)
        take(bytes, {
          transport: transport === 'tls' ? 'tls' : 'tcp',
          port: socket.remotePort ?? 0,
          socket,
          send: (reply) => {
            if (!socket.destroyed) socket.write(Buffer.concat([u16(reply.length), reply]))
          },
        })
      }
    })
  }

  const { stream, udp, port } = await bind(options, address, serve)
  udp?.on('message', (bytes, remote) => {
    take(bytes, {
      transport: 'udp',
      port: remote.port,
      send: (reply) => {
        if (!stopped) udp.send(reply, remote.port, remote.address, () => {})
      },
    })
  })

  return {
    server: { address, port, transport },
    port,
    queries,
    connections: {
      get open() {
        return sockets.size
      },
      get ever() {
        return ever
      },
    },
    sendTo(bytes, to) {
      if (!stopped) udp?.send(bytes, to, address)
    },
    script(next) {
      current = next
    },
    received(count) {
      if (queries.length >= count) return Promise.resolve()
      return new Promise((resolve) => waiters.push({ count, resolve }))
    },
    async stop() {
      if (stopped) return
      stopped = true
      const closed = [once(stream, 'close'), ...(udp === undefined ? [] : [once(udp, 'close')])]
      for (const socket of sockets) socket.destroy()
      stream.close()
      udp?.close()
      await Promise.all(closed)
    },
  }
}

/** One port number for TCP and UDP. Another may hold the UDP port of the number that TCP was given: then the next. */
async function bind(
  options: ScriptedOptions,
  address: string,
  serve: (socket: Socket) => void,
): Promise<{ stream: Server; udp: UdpSocket | undefined; port: number }> {
  for (let attempt = 0; ; attempt++) {
    const stream = options.tls === undefined ? createServer(serve) : createTlsServer(options.tls, serve)
    stream.on('tlsClientError', () => {})
    stream.listen(options.port ?? 0, address)
    await once(stream, 'listening')
    const { port } = stream.address() as AddressInfo
    if (options.tls !== undefined) return { stream, udp: undefined, port }
    const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    try {
      udp.bind(port, address)
      await once(udp, 'listening')
      return { stream, udp, port }
    } catch (error) {
      stream.close()
      if (attempt === 20 || options.port !== undefined) throw error
    }
  }
}

/** What a name of {@link startZone} has. Records take the zone's TTL unless they have their own. */
export type ZoneData =
  | { readonly type: 'MX'; readonly priority: number; readonly exchange: string; readonly ttl?: number }
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly ttl?: number }
  | { readonly type: 'CNAME'; readonly target: string; readonly ttl?: number }
  /** The whole name fails, whatever type is asked for; `SILENT`: no reply at all. */
  | { readonly type: 'SERVFAIL' | 'REFUSED' | 'SILENT' }

export const mx = (priority: number, exchange: string, ttl?: number): ZoneData => ({
  type: 'MX',
  priority,
  exchange,
  ...(ttl === undefined ? {} : { ttl }),
})
/** `MX 0 .` (RFC 7505). */
export const nullMx = (): ZoneData => mx(0, '')
export const a = (address: string, ttl?: number): ZoneData => ({
  type: address.includes(':') ? 'AAAA' : 'A',
  address,
  ...(ttl === undefined ? {} : { ttl }),
})
export const cname = (target: string, ttl?: number): ZoneData => ({
  type: 'CNAME',
  target,
  ...(ttl === undefined ? {} : { ttl }),
})
export const fails = (type: 'SERVFAIL' | 'REFUSED' | 'SILENT' = 'SERVFAIL'): ZoneData => ({ type })

export interface ZoneServer extends ScriptedServer {
  /** The questions that came, such as `MX example.com`. */
  readonly asked: readonly string[]
  /** Gives a name other data, or (without data) takes the name away. */
  set(name: string, data?: readonly ZoneData[]): void
}

/**
 * Starts an authoritative server for all names: those of the table (lower case, no trailing dot), NXDOMAIN for the others.
 * Absence comes with a SOA of the root whose minimum is `negativeTtl`. CNAMEs are followed within the table.
 *
 *     const zone = await startZone({ 'example.com': [mx(10, 'mx.example.com')], 'mx.example.com': [a('127.0.0.1')] })
 *     const resolver = createResolver({ servers: [zone.server], ... })
 *     ...
 *     resolver.close()
 *     await zone.stop()
 */
export async function startZone(
  table: Readonly<Record<string, readonly ZoneData[]>>,
  options: ScriptedOptions & { readonly ttl?: number; readonly negativeTtl?: number } = {},
): Promise<ZoneServer> {
  const names = new Map(Object.entries(table))
  const asked: string[] = []
  const soa = soaRecord('', options.negativeTtl ?? 60, 300)

  const answer = (query: ScriptedQuery): void => {
    const typeName = Object.entries(TYPES).find(([, code]) => code === query.type)?.[0] ?? String(query.type)
    asked.push(`${typeName} ${query.name}`)
    const answers: WireRecord[] = []
    let owner = query.name.toLowerCase()
    let data = names.get(owner)
    for (let link = linkOf(data, typeName); link !== undefined; link = linkOf(data, typeName)) {
      answers.push(cnameRecord(owner, link.target, link.ttl ?? options.ttl))
      owner = link.target
      data = answers.length > 10 ? [] : names.get(owner)
    }
    const failure = data?.find(({ type }) => type === 'SERVFAIL' || type === 'REFUSED' || type === 'SILENT')
    if (failure?.type === 'SILENT') return
    const additionals = query.ednsSize === undefined ? [] : [optRecord()]
    const flags = FLAGS.QR | FLAGS.AA | FLAGS.RD | FLAGS.RA
    if (failure !== undefined) {
      query.reply({
        flags,
        rcode: failure.type === 'REFUSED' ? RCODES.REFUSED : RCODES.SERVFAIL,
        additionals,
      })
      return
    }
    const found = (data ?? []).flatMap((item) => recordOf(owner, item, typeName, options.ttl))
    const authorities = found.length > 0 ? [] : [soa]
    const rcode = data === undefined ? RCODES.NXDOMAIN : RCODES.NOERROR
    query.reply({ flags, rcode, answers: [...answers, ...found], authorities, additionals })
  }

  const server = await startScripted(answer, options)
  return Object.assign(server, {
    asked,
    set(name: string, data?: readonly ZoneData[]) {
      if (data === undefined) names.delete(name)
      else names.set(name, data)
    },
  })
}

function linkOf(
  data: readonly ZoneData[] | undefined,
  typeName: string,
): (ZoneData & { type: 'CNAME' }) | undefined {
  if (typeName === 'CNAME') return undefined
  return data?.find((item) => item.type === 'CNAME')
}

function recordOf(owner: string, item: ZoneData, typeName: string, ttl: number | undefined): WireRecord[] {
  if (item.type !== typeName) return []
  switch (item.type) {
    case 'MX':
      return [mxRecord(owner, item.priority, item.exchange, item.ttl ?? ttl)]
    case 'A':
      return [aRecord(owner, item.address, item.ttl ?? ttl)]
    case 'AAAA':
      return [aaaaRecord(owner, item.address, item.ttl ?? ttl)]
    default:
      return []
  }
}
