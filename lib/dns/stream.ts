import type { Socket } from 'node:net'
import {
  ChannelError,
  closedError,
  RandomIds,
  type Channel,
  type QuerySlot,
  type ReplyWaiter,
} from './channel'

/** Longest message that is read, octets. A server may announce 65535; no domain's MX needs a quarter of that. */
export const STREAM_LIMIT = 16_384
/** How long a connection without queries is kept (RFC 7766 section 6.2.3). */
const IDLE_MS = 10_000

interface StreamConnection {
  readonly socket: Socket
  readonly waiting: Map<number, ReplyWaiter>
  ready: boolean
  /** How many messages came on it. */
  brought: number
  backlog: Buffer[]
  chunks: Buffer[]
  received: number
  /** A query got no reply here. The connection takes no new queries, because a reply may still come late. */
  doubtful: boolean
  idleTimer?: NodeJS.Timeout
}

/** How connections are made, and how many queries may wait on one. */
export interface StreamOptions {
  readonly connect: () => Socket
  /** The event after which the connection can be used. */
  readonly readyEvent: 'connect' | 'secureConnect'
  readonly perConnection: number
}

/** Messages, each after its length, over connections that stay open (RFC 7766): TCP, and TLS (RFC 7858). */
export class StreamChannel implements Channel {
  readonly #options: StreamOptions
  readonly #connections = new Set<StreamConnection>()
  readonly #ids = new RandomIds()
  #closed = false

  constructor(options: StreamOptions) {
    this.#options = options
  }

  get open(): number {
    return this.#connections.size
  }

  reserve(waiter: ReplyWaiter): QuerySlot {
    if (this.#closed) throw closedError()
    const connection = this.#pick()
    const id = this.#ids.draw(connection.waiting)
    connection.waiting.set(id, waiter)
    clearTimeout(connection.idleTimer)
    connection.socket.ref()
    const { brought } = connection
    return {
      id,
      fresh: brought === 0,
      send: (message) => this.#send(connection, message),
      noteOverdue: () => {
        if (connection.brought === brought) connection.doubtful = true
      },
      release: () => {
        if (!connection.waiting.delete(id)) return
        connection.doubtful = true
        this.#release(connection)
      },
    }
  }

  close(): void {
    this.#closed = true
    for (const connection of this.#connections) this.#fail(connection, closedError())
  }

  #pick(): StreamConnection {
    for (const connection of this.#connections) {
      if (!connection.doubtful && connection.waiting.size < this.#options.perConnection) return connection
    }
    return this.#create()
  }

  #create(): StreamConnection {
    const socket = this.#options.connect()
    const connection: StreamConnection = {
      socket,
      waiting: new Map(),
      ready: false,
      brought: 0,
      backlog: [],
      chunks: [],
      received: 0,
      doubtful: false,
    }
    this.#connections.add(connection)
    socket.setNoDelay(true)
    socket.on(this.#options.readyEvent, () => {
      connection.ready = true
      for (const message of connection.backlog.splice(0)) socket.write(message)
    })
    socket.on('data', (chunk: Buffer) => this.#receive(connection, chunk))
    socket.on('error', (error) => this.#fail(connection, error))
    const ended = () => this.#fail(connection, new ChannelError('ECONNRESET', 'closed the connection'))
    socket.on('end', ended)
    socket.on('close', ended)
    return connection
  }

  #send(connection: StreamConnection, message: Buffer): void {
    const framed = Buffer.allocUnsafe(message.length + 2)
    framed.writeUInt16BE(message.length, 0)
    message.copy(framed, 2)
    if (connection.ready) connection.socket.write(framed)
    else connection.backlog.push(framed)
  }

  #receive(connection: StreamConnection, chunk: Buffer): void {
    connection.chunks.push(chunk)
    connection.received += chunk.length
    while (connection.received >= 2) {
      if (connection.chunks[0]!.length < 2) connection.chunks = [Buffer.concat(connection.chunks)]
      const length = connection.chunks[0]!.readUInt16BE(0)
      if (length < 2 || length > STREAM_LIMIT) {
        this.#fail(connection, new ChannelError('EBADRESP', `sent a reply of ${length} octets`))
        return
      }
      if (connection.received < length + 2) return
      const bytes = connection.chunks.length === 1 ? connection.chunks[0]! : Buffer.concat(connection.chunks)
      connection.received -= length + 2
      connection.chunks = connection.received > 0 ? [bytes.subarray(length + 2)] : []
      this.#deliver(connection, bytes.subarray(2, length + 2))
    }
  }

  #deliver(connection: StreamConnection, message: Buffer): void {
    const id = message.readUInt16BE(0)
    connection.brought++
    const waiter = connection.waiting.get(id)
    if (waiter?.receive(message) && connection.waiting.delete(id)) this.#release(connection)
  }

  #release(connection: StreamConnection): void {
    if (connection.waiting.size > 0) return
    if (connection.doubtful) {
      this.#discard(connection)
      return
    }
    connection.socket.unref()
    connection.idleTimer = setTimeout(() => this.#discard(connection), IDLE_MS)
    connection.idleTimer.unref()
  }

  #fail(connection: StreamConnection, error: NodeJS.ErrnoException): void {
    const waiting = [...connection.waiting.values()]
    connection.waiting.clear()
    this.#discard(connection)
    for (const waiter of waiting) waiter.fail(error)
  }

  #discard(connection: StreamConnection): void {
    clearTimeout(connection.idleTimer)
    this.#connections.delete(connection)
    connection.chunks = []
    connection.received = 0
    connection.socket.destroy()
  }
}
