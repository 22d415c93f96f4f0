import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { closedError, RandomIds, type Channel, type QuerySlot, type ReplyWaiter } from './channel'

/** Source ports in use at once for a server, and queries that one sends before another replaces it (RFC 5452 section 9.2). */
const POOL = 16
const QUERIES_PER_SOCKET = 128
/** How long a socket without queries stays open. */
const IDLE_MS = 5_000

interface Port {
  readonly socket: Socket
  readonly waiting: Map<number, ReplyWaiter>
  /** Queries to send when the socket is connected; absent from then on. */
  backlog?: Buffer[]
  uses: number
  /** Takes no new queries; closed when the last one is done. */
  retired: boolean
}

type SocketLookup = (
  name: string,
  options: unknown,
  done: (error: null, address: string, family: number) => void,
) => void

/**
 * UDP to one server, from a pool of random source ports that change. The sockets are connected: the kernel drops what others send,
 * and reports a closed port at once (ICMP).
 */
export class UdpChannel implements Channel {
  readonly #address: string
  readonly #port: number
  readonly #ids = new RandomIds()
  readonly #random: () => number
  readonly #ports: Port[] = []
  /** Those that take no new queries, and still wait for replies. */
  readonly #leaving = new Set<Port>()
  /** Queries to send at the end of this round of the event loop. */
  #outgoing: { readonly port: Port; readonly message: Buffer }[] = []
  #idleTimer: NodeJS.Timeout | undefined
  #busy = 0
  #closed = false

  constructor(address: string, port: number, random: () => number) {
    this.#address = address
    this.#port = port
    this.#random = random
  }

  get open(): number {
    return this.#ports.length + this.#leaving.size
  }

  reserve(waiter: ReplyWaiter): QuerySlot {
    if (this.#closed) throw closedError()
    const port = this.#pick()
    const id = this.#ids.draw(port.waiting)
    if (port.waiting.size === 0) port.socket.ref()
    port.waiting.set(id, waiter)
    this.#busy++
    if (++port.uses >= QUERIES_PER_SOCKET) this.#retire(port)
    return {
      id,
      fresh: true,
      send: (message) => this.#send(port, message),
      // If sending fails, the datagram counts as lost on the way.
      noteOverdue: () => {},
      release: () => {
        if (port.waiting.delete(id)) this.#release(port)
      },
    }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#idleTimer)
    for (const port of [...this.#ports, ...this.#leaving]) this.#fail(port, closedError())
  }

  #pick(): Port {
    if (this.#ports.length < POOL) {
      const port = this.#create()
      this.#ports.push(port)
      return port
    }
    return this.#ports[Math.floor(this.#random() * this.#ports.length)]!
  }

  #create(): Port {
    const family = isIPv6(this.#address) ? 6 : 4
    // Addresses only, so nothing is looked up or waited for.
    const lookup: SocketLookup = (name, _options, done) => done(null, name, family)
    const socket = createSocket({ type: `udp${family}`, lookup })
    const port: Port = { socket, waiting: new Map(), backlog: [], uses: 0, retired: false }
    socket.on('error', (error) => this.#fail(port, error))
    socket.on('message', (message) => this.#receive(port, message))
    socket.on('connect', () => {
      const backlog = port.backlog ?? []
      delete port.backlog
      for (const message of backlog) this.#send(port, message)
    })
    try {
      // Otherwise the workers of a cluster would share one port (Node `lib/internal/cluster`).
      socket.bind({ port: 0, exclusive: true })
      socket.connect(this.#port, this.#address)
    } catch (error) {
      setImmediate(() => this.#fail(port, error as NodeJS.ErrnoException))
    }
    socket.unref()
    return port
  }

  #send(port: Port, message: Buffer): void {
    if (port.backlog !== undefined) {
      port.backlog.push(message)
      return
    }
    // If they were sent one by one, each would wake a name server on this machine, which costs more than the sending.
    if (this.#outgoing.push({ port, message }) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const outgoing = this.#outgoing
    this.#outgoing = []
    for (const { port, message } of outgoing) this.#sendNow(port, message)
  }

  #sendNow(port: Port, message: Buffer): void {
    try {
      port.socket.send(message, (error) => {
        if (error !== null) this.#fail(port, error)
      })
    } catch (error) {
      setImmediate(() => this.#fail(port, error as NodeJS.ErrnoException))
    }
  }

  #receive(port: Port, message: Buffer): void {
    if (message.length < 2) return
    const id = message.readUInt16BE(0)
    const waiter = port.waiting.get(id)
    if (waiter?.receive(message) && port.waiting.delete(id)) this.#release(port)
  }

  #release(port: Port): void {
    this.#busy--
    if (port.waiting.size > 0) return
    if (port.retired) this.#discard(port)
    else port.socket.unref()
    if (this.#busy === 0) this.#startIdle()
  }

  #retire(port: Port): void {
    port.retired = true
    this.#ports.splice(this.#ports.indexOf(port), 1)
    this.#leaving.add(port)
  }

  /** The socket cannot be used any more: a closed port, no route, no descriptors. */
  #fail(port: Port, error: NodeJS.ErrnoException): void {
    const waiting = [...port.waiting.values()]
    port.waiting.clear()
    this.#busy -= waiting.length
    this.#discard(port)
    for (const waiter of waiting) waiter.fail(error)
  }

  #discard(port: Port): void {
    const index = this.#ports.indexOf(port)
    if (index >= 0) this.#ports.splice(index, 1)
    this.#leaving.delete(port)
    try {
      port.socket.close()
    } catch {
      // It is already closed.
    }
  }

  #startIdle(): void {
    if (this.#closed) return
    if (this.#idleTimer !== undefined) {
      this.#idleTimer.refresh()
      return
    }
    this.#idleTimer = setTimeout(() => {
      this.#idleTimer = undefined
      if (this.#busy === 0) for (const port of this.#ports.splice(0)) this.#discard(port)
    }, IDLE_MS)
    this.#idleTimer.unref()
  }
}
