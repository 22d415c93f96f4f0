import { isIP } from 'node:net'
import { ResolveError } from '../model/errors'
import type { Entry } from './cache'
import { secondsLeft, type Lookups, type Records } from './lookups'
import { toQueryName } from './names'
import { shuffle } from './shuffle'
import type { SystemLookup } from './system'
import type { Answer } from './types'
import type { AddressAnswer, InetPrefer, MxAnswer, MxRecord, Provenance } from '../model/dns-answer'

/** Of the deadline, what is kept for the system's lookup when DNS has used up all it may, milliseconds. */
const SYSTEM_SHARE = 1_000

/**
 * The answer for what is no domain name (RFC 1035 section 2.3.4: an empty or too long label, a character that no name has): it
 * cannot exist, so there is nobody to ask and nothing to wait for.
 */
const NO_NAME = { how: 'fresh', server: 'syntax', ttl: 0 } as const satisfies Provenance

export interface ExchangesParts {
  readonly lookups: Lookups
  readonly systemLookup: SystemLookup
  /** Overall, milliseconds. */
  readonly deadline: number
  readonly now: () => number
  /** As Math.random. */
  readonly random: () => number
}

/** One family's part of a host's addresses: what was said, or why nothing was. */
type Family = Answer<Records> | ResolveError

/** A domain's exchanges and a host's addresses, as mail routing wants them. */
export class Exchanges {
  readonly #parts: ExchangesParts
  readonly #system = new Map<string, Promise<readonly string[]>>()
  /** Each ends one wait for the system. */
  readonly #waits = new Set<(code: string, reason: string) => void>()
  #closed = false

  constructor(parts: ExchangesParts) {
    this.#parts = parts
  }

  /** The remembered MX answer of a domain, without waiting; undefined if it has to be asked for. */
  peekMx(domain: string): MxAnswer | undefined {
    const { lookups, now } = this.#parts
    const time = now()
    const entry = lookups.peek('MX', domain, time)
    return entry === undefined ? undefined : mxOfEntry(domain, entry, time)
  }

  async mx(domain: string): Promise<MxAnswer> {
    const hit = this.peekMx(domain)
    if (hit !== undefined) return hit
    const name = toQueryName(domain)
    if (name === undefined) return { kind: 'nxdomain', ...NO_NAME }
    try {
      return mxOf(name, await this.#parts.lookups.resolve({ name, type: 'MX' }))
    } catch (error) {
      return { kind: 'failed', error: asResolveError(error) }
    }
  }

  /** The remembered addresses of a host, without waiting; undefined if either family has to be asked for. */
  peekAddresses(host: string, prefer: InetPrefer): AddressAnswer | undefined {
    const { lookups, now, random } = this.#parts
    const time = now()
    const v4 = lookups.peek('A', host, time)
    if (v4 === undefined) return undefined
    const v6 = lookups.peek('AAAA', host, time)
    if (v6 === undefined) return undefined
    const [first, second] = prefer === 'v4' ? [v4, v6] : [v6, v4]
    const addresses = shuffle(first.records as readonly string[], random)
    if (second.records.length > 0) addresses.push(...shuffle(second.records as readonly string[], random))
    const entry = v4.expires < v6.expires ? v4 : v6
    const ttl = secondsLeft(entry, time)
    return addresses.length === 0
      ? { kind: 'none', how: 'cached', server: entry.server, ttl }
      : { kind: 'addresses', addresses, how: 'cached', server: entry.server, ttl }
  }

  addresses(host: string, prefer: InetPrefer): Promise<AddressAnswer> {
    return this.#addresses(host, prefer, this.#parts.deadline)
  }

  async relayAddresses(host: string, prefer: InetPrefer): Promise<AddressAnswer> {
    const { deadline } = this.#parts
    const started = performance.now()
    const known = await this.#addresses(host, prefer, deadline - Math.min(SYSTEM_SHARE, deadline / 4))
    if (known.kind === 'addresses') return known
    const name = toQueryName(host)
    if (name === undefined) return known
    try {
      const left = Math.max(0, deadline - (performance.now() - started))
      const found = await this.#systemAddresses(name, left)
      if (found.length > 0) {
        return {
          kind: 'addresses',
          addresses: this.#arranged(found, prefer),
          how: 'fresh',
          server: 'system',
          ttl: 0,
        }
      }
      return known
    } catch (error) {
      // DNS knows that there is none, or failed too: what the system could not say changes neither.
      return known.kind === 'none' ? { kind: 'failed', error: asResolveError(error) } : known
    }
  }

  /** Ends every wait for the system with ECANCELLED; it is not asked any more. */
  close(): void {
    this.#closed = true
    for (const end of this.#waits) end('ECANCELLED', 'the resolver was closed')
  }

  async #addresses(host: string, prefer: InetPrefer, deadline: number): Promise<AddressAnswer> {
    if (isIP(host) !== 0) {
      return { kind: 'addresses', addresses: [host], how: 'fresh', server: 'literal', ttl: 0 }
    }
    const hit = this.peekAddresses(host, prefer)
    if (hit !== undefined) return hit
    const name = toQueryName(host)
    if (name === undefined) return { kind: 'none', ...NO_NAME }
    const ask = (type: 'A' | 'AAAA'): Promise<Family> =>
      this.#parts.lookups.resolve({ name, type }, deadline).catch(asResolveError)
    const [v4, v6] = await Promise.all([ask('A'), ask('AAAA')])
    return this.#joined(v4, v6, prefer)
  }

  /** Both families in one answer. One that failed counts only where the other gives nothing: absence is not failure. */
  #joined(v4: Family, v6: Family, prefer: InetPrefer): AddressAnswer {
    const families = prefer === 'v4' ? [v4, v6] : [v6, v4]
    const answers = families.flatMap((family) => (family instanceof ResolveError ? [] : [family]))
    const withRecords = answers.flatMap((answer) => (answer.kind === 'records' ? [answer] : []))
    if (withRecords.length > 0) {
      const addresses = withRecords.flatMap(({ records }) =>
        shuffle(records as readonly string[], this.#parts.random),
      )
      return { kind: 'addresses', addresses, ...together(withRecords) }
    }
    const failure = families.find((family) => family instanceof ResolveError)
    return failure === undefined ? { kind: 'none', ...together(answers) } : { kind: 'failed', error: failure }
  }

  #arranged(addresses: readonly string[], prefer: InetPrefer): string[] {
    const { random } = this.#parts
    const of = (family: 4 | 6) =>
      shuffle(
        addresses.filter((address) => isIP(address) === family),
        random,
      )
    return prefer === 'v4' ? [...of(4), ...of(6)] : [...of(6), ...of(4)]
  }

  /** The system's lookup cannot be ended: it is joined by all who ask for the name, and left alone when time is up. */
  async #systemAddresses(name: string, time: number): Promise<readonly string[]> {
    const errorOf = (code: string, reason: string) =>
      new ResolveError(`the system's lookup of ${name}: ${reason}`, { code, temporary: true })
    if (this.#closed) throw errorOf('ECANCELLED', 'the resolver is closed')
    let lookup = this.#system.get(name)
    if (lookup === undefined) {
      lookup = this.#parts.systemLookup(name).finally(() => this.#system.delete(name))
      this.#system.set(name, lookup)
    }
    let end = (_code: string, _reason: string): void => {}
    const ended = new Promise<never>((_resolve, reject) => {
      end = (code, reason) => reject(errorOf(code, reason))
    })
    const timer = setTimeout(() => end('ETIMEOUT', 'no answer in time'), time)
    this.#waits.add(end)
    try {
      return await Promise.race([lookup, ended])
    } finally {
      clearTimeout(timer)
      this.#waits.delete(end)
    }
  }
}

function mxOfEntry(domain: string, entry: Entry, now: number): MxAnswer {
  const { kind, records, server } = entry
  const ttl = secondsLeft(entry, now)
  return kind === 'records'
    ? mxOfRecords(domain, records, { how: 'cached', server, ttl })
    : { kind, how: 'cached', server, ttl }
}

function mxOf(domain: string, answer: Answer<Records>): MxAnswer {
  if (answer.kind !== 'records') return answer
  const { records, how, server, ttl } = answer
  return mxOfRecords(domain, records, { how, server, ttl })
}

/** `records` as {@link usableMx} leaves them. */
function mxOfRecords(domain: string, records: readonly Records[], provenance: Provenance): MxAnswer {
  const first = records[0] as MxRecord | undefined
  const { how, server, ttl } = provenance
  if (first === undefined) {
    return {
      kind: 'failed',
      error: new ResolveError(`no MX of ${domain} names a host (${server})`, {
        code: 'EBADMX',
        temporary: true,
      }),
    }
  }
  if (first.exchange === '') return { kind: 'nullmx', how, server, ttl }
  return { kind: 'mx', records: records as readonly MxRecord[], how, server, ttl }
}

/** The provenance of an answer made of several. */
function together(answers: readonly Provenance[]): Provenance {
  const has = (how: Provenance['how']) => answers.some((answer) => answer.how === how)
  return {
    how: has('stale') ? 'stale' : has('fresh') ? 'fresh' : 'cached',
    server: answers[0]!.server,
    ttl: Math.min(...answers.map(({ ttl }) => ttl)),
  }
}

function asResolveError(error: unknown): ResolveError {
  if (error instanceof ResolveError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new ResolveError(message, { code: 'EFAILED', temporary: true, cause: error })
}
