import { Packet } from 'dns2'
import { connect as connectTcp, isIP } from 'node:net'
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from 'node:tls'
import type { Channel, Place, Waiter } from './channel'
import { judge, optionsAt } from './guard'
import { interpret, TYPE_CODE, type Refusal, type Reply } from './message'
import { wireLength, writeName } from './names'
import { STREAM_LIMIT, StreamChannel } from './stream'
import type { QueryType, Question, ServerAddress } from './types'
import { UdpChannel } from './udp'

const HEADER = 12
/** The size that fits a datagram everywhere (DNS flag day 2020); shorter settings do not shorten what is taken. */
const UDP_LIMIT = 1232
/** TCP follows on truncation only: one query a connection. TLS carries everything: queries share one (RFC 7766 6.2.1.1). */
const TLS_QUERIES_PER_CONNECTION = 100
/** A server that did not understand EDNS is asked without it for so long, milliseconds (RFC 6891 6.2.2). */
const PLAIN_FOR = 600_000

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
}

/** A query under way. */
export interface Ask {
  /** Ends the wait; `done` is not called any more. */
  cancel(): void
}

/** A query to one server. */
export interface ServerAsk extends Ask {
  /** There should have been a reply by now; the wait goes on. */
  late(): void
}

export type Done = (result: Reply | Refusal) => void

/**
 * One server: a query goes to it as a datagram, again over TCP when the reply was cut, or over TLS. A message counts as the
 * reply only after the guard has matched it. Sets no time limit: the caller cancels.
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
  ask(question: Question, done: Done): ServerAsk {
    const plain = this.#options.ednsSize === 0 || this.#options.now() < this.#plainUntil
    const asking = new Asking(this, question, done)
    asking.start(this.#first, !plain)
    return asking
  }

  close(): void {
    this.#first.close()
    this.#stream.close()
  }

  /** For {@link Asking}: where to go when a reply was cut. */
  get stream(): StreamChannel {
    return this.#stream
  }

  /** For {@link Asking}: longest message to look at. */
  limitOf(channel: Channel): number {
    return channel === this.#stream ? STREAM_LIMIT : Math.max(this.#options.ednsSize, UDP_LIMIT)
  }

  /** For {@link Asking}: the server answered without EDNS what it had not understood with it. */
  speaksPlain(): void {
    this.#plainUntil = this.#options.now() + PLAIN_FOR
  }

  /** The bytes of a query: dns2's encoding of the type's query for the root, with id and name put in. */
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

/** One query, from its first datagram to its reply, over whatever it takes. */
class Asking implements Waiter, ServerAsk {
  readonly #transport: Transport
  readonly #question: Question
  readonly #done: Done
  readonly #questionEnd: number
  #channel: Channel | undefined
  #place: Place | undefined
  #query: Buffer | undefined
  #edns = false
  #fellBack = false
  #reconnected = false
  #over = false

  constructor(transport: Transport, question: Question, done: Done) {
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
        if (channel === this.#transport.stream) this.#refuse('EBADRESP', 'a reply cut short over TCP')
        else this.start(this.#transport.stream, this.#edns)
        return true
      case 'malformed':
        this.#refuse('EBADRESP', 'a malformed reply')
        return true
      case 'bare':
        this.#take({ kind: 'refusal', code: 'EFORMERR', reason: 'the server did not understand the query' })
        return true
      case 'whole':
        this.#take(read(message, this.#questionEnd, this.#question))
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
    this.#refuse(error.code ?? 'ECONNRESET', error.message)
  }

  late(): void {
    if (!this.#over) this.#place?.late()
  }

  cancel(): void {
    if (this.#over) return
    this.#over = true
    this.#place?.release()
  }

  #take(result: Reply | Refusal): void {
    const understood = result.kind !== 'refusal' || !NOT_UNDERSTOOD.has(result.code)
    if (!understood && this.#edns) {
      this.#fellBack = true
      this.start(this.#channel!, false)
      return
    }
    if (understood && this.#fellBack) this.#transport.speaksPlain()
    this.#finish(result)
  }

  #refuse(code: string, reason: string): void {
    this.#finish({ kind: 'refusal', code, reason })
  }

  #finish(result: Reply | Refusal): void {
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

function read(message: Buffer, questionEnd: number, question: Question): Reply | Refusal {
  try {
    return interpret(decode(message, questionEnd), question)
  } catch (error) {
    return { kind: 'refusal', code: 'EBADRESP', reason: (error as Error).message }
  }
}

/**
 * As Packet.parse, by the same decoders, for a message that the guard has walked through: the question is not read again, and of
 * the additional section, which is a third of an authoritative server's reply, the OPT alone. A record that cannot be read throws.
 */
function decode(message: Buffer, questionEnd: number): Packet {
  const packet = new Packet(Packet.Header.parse(message))
  const { header } = packet
  // dns2 counts in bits.
  const reader = new Packet.Reader(message, questionEnd * 8)
  for (let index = 0; index < header.ancount; index++) packet.answers.push(Packet.Resource.parse(reader))
  for (let index = 0; index < header.nscount; index++) packet.authorities.push(Packet.Resource.parse(reader))
  const opt = optionsAt(message, reader.offset / 8, header.arcount)
  // Only the upper bits of the RCODE are of interest (RFC 6891 6.1.3), in the first octet of the TTL; mostly there are none.
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
    // Said in so many words, so that NODE_TLS_REJECT_UNAUTHORIZED=0, set for something else, does not switch it off.
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
