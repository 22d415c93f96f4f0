/**
 * mx-connect's own test suite with our resolver as its `dnsOptions.resolveRecords`. Nothing of mx-connect is in this package: clone
 * its 2.x, install its dependencies, and in its folder (Node 22.19 or later):
 *
 *     MX_CONNECT=$PWD NODE_OPTIONS="--require <this package>/build/test/bench/dns-mx-connect.js" node --test "test/*-test.js"
 *
 * Loaded before the suite, this turns whatever a test gives as its resolver into the data of a name server in the same process, and
 * gives mx-connect our resolver, which asks that server over UDP. What DNS cannot carry goes past both: other types than MX, A and
 * AAAA, names that may not be asked for, and data that is not a list of such records.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4, isIPv6 } from 'node:net'
import { join } from 'node:path'
import { DNS_DEFAULTS } from '../../lib/dns/defaults'
import { toQueryName } from '../../lib/dns/names'
import { createResolver, type Resolver } from '../../lib/dns/resolver'
import type { QueryType } from '../../lib/dns/types'
import type { MxRecord } from '../../lib/model/dns-answer'
import {
  aaaaRecord,
  aRecord,
  decodeQuery,
  encodeMessage,
  FLAGS,
  mxRecord,
  RCODES,
  soaRecord,
  TYPES,
  type WireMessage,
  type WireRecord,
} from '../support/dns-wire'

type Callback = (error: unknown, records?: unknown) => void
type ResolveRecords = (domain: string, type: string) => unknown

interface DnsOptions {
  readonly resolveRecords?: ResolveRecords | undefined
  /** Without a type: A. */
  readonly resolve?: ((domain: string, ...rest: [Callback] | [string, Callback]) => void) | undefined
}

/** mx-connect's lib/tools.js, by which every lookup goes. */
interface Tools {
  getDnsResolver: (options?: DnsOptions) => ResolveRecords
}

const RECORDS: Readonly<Record<QueryType, (owner: string, record: unknown) => WireRecord | undefined>> = {
  MX: (owner, record) => {
    const { priority, exchange } = (record ?? {}) as Partial<MxRecord>
    if (priority === undefined || exchange === undefined) return undefined
    return mxRecord(owner, priority, exchange === '.' ? '' : exchange)
  },
  A: (owner, record) => (isIPv4(String(record)) ? aRecord(owner, String(record)) : undefined),
  AAAA: (owner, record) => (isIPv6(String(record)) ? aaaaRecord(owner, String(record)) : undefined),
}
const isQueryType = (type: string): type is QueryType => type in RECORDS

/** How a failed lookup of a test looks on the wire: by the codes of node:dns, with which the suite's have the E in common or not. */
function failure(error: unknown): Partial<WireMessage> {
  const authorities = [soaRecord('', 60)]
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENODATA') return { authorities }
  return code === 'ENOTFOUND' ? { rcode: RCODES.NXDOMAIN, authorities } : { rcode: RCODES.SERVFAIL }
}

/** Replies by name and type, and the resolver that asks for them. */
class Bridge {
  readonly #replies = new Map<string, Partial<WireMessage>>()
  #resolver: Promise<Resolver> | undefined

  /** The records of a name as our resolver finds them when `ask` gives the data; errors with the codes of node:dns. */
  async resolve(ask: ResolveRecords, domain: string, type: string): Promise<unknown> {
    const name = toQueryName(domain)
    if (name === undefined || !isQueryType(type)) return ask(domain, type)
    let records: unknown
    let reply: Partial<WireMessage>
    try {
      records = await ask(domain, type)
      if (!Array.isArray(records)) return records
      const answers = records.map((record) => RECORDS[type](name, record))
      if (answers.includes(undefined)) return records
      reply = answers.length > 0 ? { answers: answers as WireRecord[] } : failure({ code: 'ENODATA' })
    } catch (error) {
      reply = failure(error)
    }
    this.#replies.set(`${type} ${name}`, reply)
    const resolver = await (this.#resolver ??= this.#start())
    const answer =
      type === 'MX' ? await resolver.resolve({ name, type }) : await resolver.resolve({ name, type })
    if (answer.kind === 'records')
      return answer.records.map((record) => (typeof record === 'string' ? record : { ...record }))
    throw Object.assign(new Error(answer.kind), {
      code: answer.kind === 'nxdomain' ? 'ENOTFOUND' : 'ENODATA',
    })
  }

  async #start(): Promise<Resolver> {
    const socket = createSocket('udp4')
    socket.on('message', (bytes, { port, address }) => {
      const { id, question, name, type } = decodeQuery(bytes)
      const word = Object.entries(TYPES).find(([, code]) => code === type)?.[0]
      const reply = this.#replies.get(`${word} ${name}`) ?? { rcode: RCODES.REFUSED }
      const flags = FLAGS.QR | FLAGS.AA | FLAGS.RD | FLAGS.RA
      socket.send(encodeMessage({ id, question, flags, ...reply }), port, address)
    })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    // The suite must be able to end.
    socket.unref()
    const { address, port } = socket.address()
    const servers = [{ address, port, transport: 'udp' }] as const
    return createResolver({ servers, cacheSize: 0, tuning: DNS_DEFAULTS })
  }
}

function install(folder: string): void {
  const tools = require(join(folder, 'lib', 'tools.js')) as Tools
  const { getDnsResolver } = tools
  const bridge = new Bridge()
  tools.getDnsResolver = (options = {}) => {
    // Called first: it is the one to complain about options that are no functions.
    const own = getDnsResolver(options)
    const { resolve, resolveRecords } = options
    const ask: ResolveRecords | undefined =
      resolveRecords ?? (resolve && ((domain, type) => byCallback(resolve, domain, type)))
    if (!ask) return own
    return getDnsResolver({
      ...options,
      resolve: undefined,
      resolveRecords: (domain, type) => bridge.resolve(ask, domain, type),
    })
  }
}

function byCallback(
  resolve: NonNullable<DnsOptions['resolve']>,
  domain: string,
  type: string,
): Promise<unknown> {
  return new Promise((settle, reject) => {
    const done: Callback = (error, records) => (error ? reject(error) : settle(records))
    if (type === 'A') resolve(domain, done)
    else resolve(domain, type, done)
  })
}

if (process.env.MX_CONNECT !== undefined) install(process.env.MX_CONNECT)
