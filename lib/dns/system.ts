import { lookup } from 'node:dns'
import { ResolveError } from '../model/errors'

/** The system's own lookup: its hosts file, and all else that it is configured to ask. Rejects with a ResolveError. */
export type SystemLookup = (host: string) => Promise<readonly string[]>

/** Looks a host up with getaddrinfo(3). Empty if the system does not know the name. */
export const systemLookup: SystemLookup = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => {
      if (error === null) {
        resolve([...new Set(addresses.map(({ address }) => address))])
      } else if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') {
        resolve([])
      } else {
        reject(systemError(error.code ?? 'EFAILED', `it failed (${error.code ?? error.message})`))
      }
    })
  })

const systemError = (code: string, reason: string) =>
  new ResolveError(`the system's own lookup: ${reason}`, { code, temporary: true })

/**
 * Lookups by the system, with a time limit for the wait. A lookup itself cannot be cancelled: those who ask for the same name meanwhile
 * share it, and stop waiting when their time is up.
 */
export class SystemLookups {
  readonly #lookup: SystemLookup
  readonly #pending = new Map<string, Promise<readonly string[]>>()
  /** Functions that each end one wait. */
  readonly #waits = new Set<(code: string, reason: string) => void>()
  #closed = false

  constructor(getaddrinfo: SystemLookup) {
    this.#lookup = getaddrinfo
  }

  /** The addresses of a host; empty if the system does not know it. Rejects with a ResolveError, at the latest after `waitMs`. */
  async addresses(host: string, waitMs: number): Promise<readonly string[]> {
    if (this.#closed) throw systemError('ECANCELLED', 'the resolver is closed')
    let pending = this.#pending.get(host)
    if (pending === undefined) {
      pending = this.#lookup(host).finally(() => this.#pending.delete(host))
      this.#pending.set(host, pending)
    }
    let end = (_code: string, _reason: string): void => {}
    const ended = new Promise<never>((_resolve, reject) => {
      end = (code, reason) => reject(systemError(code, reason))
    })
    const timer = setTimeout(() => end('ETIMEOUT', 'no answer in time'), waitMs)
    this.#waits.add(end)
    try {
      return await Promise.race([pending, ended])
    } finally {
      clearTimeout(timer)
      this.#waits.delete(end)
    }
  }

  /** Ends every wait with ECANCELLED. The system is not asked again. */
  close(): void {
    this.#closed = true
    for (const end of this.#waits) end('ECANCELLED', 'the resolver is closed')
  }
}
