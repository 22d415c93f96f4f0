import { Packet } from 'dns2'
import { connect as connectTcp, isIP } from 'node:net'
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from 'node:tls'
import { ChannelError, type Channel, type QuerySlot, type ReplyWaiter } from './channel'
import { judge, optionsAt, usedRecords } from './guard'
import { interpret, serverFailure, TYPE_CODE, type ServerFailure, type ServerReply } from './interpret'
import { wireLength, writeName } from './names'
import { STREAM_LIMIT, StreamChannel } from './stream'
import type { QueryType, Question, ServerAddress } from './types'
import { UdpChannel } from './udp'

const HEADER = 12
/** Longest datagram that is read, octets. Some servers send more than was asked for (RFC 6891 section 6.2.3). */
const UDP_LIMIT = 4096
/** TCP is only for truncated replies: one query for each connection. With TLS, queries share one (RFC 7766 section 6.2.1.1). */
const TLS_QUERIES_PER_CONNECTION = 100
/** How long a server that did not understand EDNS is asked without it (RFC 6891 section 6.2.2). */
const PLAIN_FOR_MS = 600_000

const NOT_UNDERSTOOD: ReadonlySet<string> = new Set(['EFORMERR', 'EBADVERS', 'ENOTIMP'])

export interface TransportOptions {
  /** Our UDP payload size; 0: no EDNS. */
  readonly ednsSize: number
  /** Milliseconds. */
  readonly now: () => number
  /** As Math.random. */
  readonly random: () => number
  /** Certificates (PEM) that sign those of TLS servers; absent: Node's own. */
  readonly ca?: string
  /** May the server be trusted about this name? Default: yes, about every name. */
  readonly serves?: (name: string) => boolean
}

/** A query under way. */
export interface Ask {
  /** Ends the wait; `done` is not called any more. */
  cancel(): void
}

/** A query to one server. */
export interface ServerAsk extends Ask {
  /** There should have been a reply by now; the wait goes on. */
  noteOverdue(): void
}

export type Done<T extends QueryType> = (result: ServerReply<T> | ServerFailure) => void

/**
 * One server: a query goes to it as a datagram, and again over TCP if the reply is truncated, or else over TLS. A message counts as the
 * reply only after the guard has matched it. There is no time limit: the caller cancels.
 */
export class Transport {
  readonly #options: TransportOptions
  readonly #first: Channel
  readonly #stream: StreamChannel
  readonly #templates = new Map<QueryType, { readonly edns: Buffer; readonly plain: Buffer }>()
  #plainUntil = -Infinity

  constructor(server: ServerAddress, options: TransportOptions) {
    this.#options = options
    this.#stream = server.transport === 'tls' ? tlsChannel(server, options.ca) : tcpChannel(server)
    this.#first =
      server.transport === 'tls' ? this.#stream : new UdpChannel(server.address, server.port, options.random)
    for (const type of ['MX', 'A', 'AAAA'] as const) {
      this.#templates.set(type, {
        edns: template(type, options.ednsSize),
        plain: template(type, 0),
      })
    }
  }

  /** Sockets that are open. */
  get open(): number {
    return this.#first === this.#stream ? this.#stream.open : this.#first.open + this.#stream.open
  }

  /** Sends one query. `done` is called once, later, with the reply or the reason why there is none. */
  ask<T extends QueryType>(question: Question<T>, done: Done<T>): ServerAsk {
    const plain = this.#options.ednsSize === 0 || this.#options.now() < this.#plainUntil
    const asking = new Asking(this, question, done)
    asking.start(this.#first, !plain)
    return asking
  }

  close(): void {
    this.#first.close()
    this.#stream.close()
  }

  /** For {@link Asking}: where to ask again when a reply is truncated. */
  get stream(): StreamChannel {
    return this.#stream
  }

  /** For {@link Asking}: the longest message to read. */
  limitOf(channel: Channel): number {
    return channel === this.#stream ? STREAM_LIMIT : UDP_LIMIT
  }

  /** For {@link Asking}: what a message says that the guard found whole. */
  read<T extends QueryType>(
    message: Buffer,
    questionEnd: number,
    question: Question<T>,
  ): ServerReply<T> | ServerFailure {
    let packet: Packet
    try {
      packet = decode(message, questionEnd)
    } catch {
      return serverFailure('EBADRESP', 'sent a reply that cannot be read')
    }
    return interpret(packet, question, this.#options.serves)
  }

  /** For {@link Asking}: the server answered without EDNS what it did not understand with it. */
  speaksPlain(): void {
    this.#plainUntil = this.#options.now() + PLAIN_FOR_MS
  }

  /** The bytes of a query: what dns2 encodes for this type and the root, with id and name put in. */
  encode(question: Question, edns: boolean, id: number): Buffer {
    const templates = this.#templates.get(question.type)!
    const bytes = edns ? templates.edns : templates.plain
    const message = Buffer.allocUnsafe(bytes.length - 1 + wireLength(question.name))
    bytes.copy(message, 0, 0, HEADER)
    message.writeUInt16BE(id, 0)
    bytes.copy(message, writeName(question.name, message, HEADER), HEADER + 1)
    return message
  }
}

/** One query, from its first datagram to its reply, over all connections that it needs. */
class Asking<T extends QueryType> implements ReplyWaiter, ServerAsk {
  readonly #transport: Transport
  readonly #question: Question<T>
  readonly #done: Done<T>
  readonly #questionEnd: number
  #channel: Channel | undefined
  #place: QuerySlot | undefined
  #query: Buffer | undefined
  #edns = false
  #fellBack = false
  #reconnected = false
  #over = false

  constructor(transport: Transport, question: Question<T>, done: Done<T>) {
    this.#transport = transport
    this.#question = question
    this.#done = done
    this.#questionEnd = HEADER + wireLength(question.name) + 4
  }

  start(channel: Channel, edns: boolean): void {
    this.#channel = channel
    this.#edns = edns
    try {
      this.#place = channel.reserve(this)
      this.#query = this.#transport.encode(this.#question, edns, this.#place.id)
      this.#place.send(this.#query)
    } catch (error) {
      queueMicrotask(() => this.fail(error as NodeJS.ErrnoException))
    }
  }

  receive(message: Buffer): boolean {
    if (this.#over) return true
    const channel = this.#channel!
    switch (judge(message, this.#query!, this.#questionEnd, this.#transport.limitOf(channel))) {
      case 'foreign':
        return false
      case 'truncated':
        if (channel === this.#transport.stream) this.#refuse('EBADRESP', 'sent a truncated reply over TCP')
        else this.start(this.#transport.stream, this.#edns)
        return true
      case 'malformed':
        this.#refuse('EBADRESP', 'sent a malformed reply')
        return true
      case 'bare':
        this.#take(serverFailure('EFORMERR', 'answered FORMERR (it did not understand the query)'))
        return true
      case 'whole':
        this.#take(this.#transport.read(message, this.#questionEnd, this.#question))
        return true
    }
  }

  fail(error: NodeJS.ErrnoException): void {
    if (this.#over) return
    // A kept connection may be closed by the server just when the query is written (RFC 7766 6.2.4).
    if (this.#place?.fresh === false && !this.#reconnected) {
      this.#reconnected = true
      this.start(this.#channel!, this.#edns)
      return
    }
    const code = error.code ?? 'ECONNRESET'
    // The text of Node's own errors may quote a certificate.
    this.#refuse(code, error instanceof ChannelError ? error.message : `could not be reached (${code})`)
  }

  noteOverdue(): void {
    if (!this.#over) this.#place?.noteOverdue()
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    this.#place?.release()
  }

  #take(result: ServerReply<T> | ServerFailure): void {
    const understood = result.kind !== 'failure' || !NOT_UNDERSTOOD.has(result.code)
    if (!understood && this.#edns) {
      this.#fellBack = true
      this.start(this.#channel!, false)
      return
    }
    if (understood && this.#fellBack) this.#transport.speaksPlain()
    this.#finish(result)
  }

  #refuse(code: string, reason: string): void {
    this.#finish(serverFailure(code, reason))
  }

  #finish(result: ServerReply<T> | ServerFailure): void {
    this.#over = true
    this.#done(result)
  }
}

function template(type: QueryType, ednsSize: number): Buffer {
  const packet = new Packet(new Packet.Header({ rd: 1 }))
  packet.questions.push(new Packet.Question('', TYPE_CODE[type], Packet.CLASS.IN))
  if (ednsSize > 0) packet.additionals.push(Packet.Resource.EDNS([], { udpPayloadSize: ednsSize }))
  return packet.toBuffer()
}

/**
 * Does what Packet.parse of dns2 3.1 does, with the same decoders, for a message that the guard has checked. It does not read the question
 * again, leaves out records that the guard has not checked, and of the additional section (a third of an authoritative server's reply)
 * it reads only the OPT.
 *
 * @throws if a record cannot be read
 */
function decode(message: Buffer, questionEnd: number): Packet {
  const packet = new Packet(Packet.Header.parse(message))
  const { header } = packet
  const used = usedRecords(message)
  header.ancount = used.answers
  header.nscount = used.authorities
  // dns2 counts in bits.
  const reader = new Packet.Reader(message, questionEnd * 8)
  for (let index = 0; index < header.ancount; index++) packet.answers.push(Packet.Resource.parse(reader))
  for (let index = 0; index < header.nscount; index++) packet.authorities.push(Packet.Resource.parse(reader))
  const opt = optionsAt(message, reader.offset / 8, used.additionals)
  // Only the upper bits of the RCODE are needed (RFC 6891 6.1.3), in the first octet of the TTL. Mostly there are none.
  if (opt >= 0 && message[opt + 5] !== 0) {
    const { extendedRcode = 0 } = Packet.Resource.parse(new Packet.Reader(message, opt * 8))
    header.rcode |= extendedRcode << 4
  }
  return packet
}

function tcpChannel(server: ServerAddress): StreamChannel {
  return new StreamChannel({
    connect: () => connectTcp({ host: server.address, port: server.port }),
    readyEvent: 'connect',
    perConnection: 1,
  })
}

function tlsChannel(server: ServerAddress, ca: string | undefined): StreamChannel {
  const name = server.tlsName
  const options = {
    host: server.address,
    port: server.port,
    minVersion: 'TLSv1.2',
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0, set for something else, does not switch it off.
    rejectUnauthorized: true,
    // SNI takes no addresses (RFC 6066 3).
    ...(name !== undefined && isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      checkServerIdentity(name ?? server.address, certificate),
    ...(ca === undefined ? {} : { ca }),
  } as const
  return new StreamChannel({
    connect: () => connectTls(options),
    readyEvent: 'secureConnect',
    perConnection: TLS_QUERIES_PER_CONNECTION,
  })
}
