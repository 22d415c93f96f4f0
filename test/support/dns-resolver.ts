import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { DNS_DEFAULTS } from '../../lib/dns/defaults'
import type { Log } from '../../lib/dns/log'
import { createResolver, type CreateResolverOptions, type Resolver } from '../../lib/dns/resolver'
import type { ResolverOptions, ServerAddress } from '../../lib/dns/types'

/** So patient that no query is given up, or sent again, because the machine is busy. */
export const TEST_TUNING: ResolverOptions = {
  ...DNS_DEFAULTS,
  timeoutMs: 20_000,
  tries: 2,
  deadlineMs: 100_000,
}

export interface TestResolverOptions extends Partial<Omit<CreateResolverOptions, 'tuning' | 'servers'>> {
  readonly tuning?: Partial<ResolverOptions>
}

/** A resolver with the tests' tuning. Close it. */
export function testResolver(servers: readonly ServerAddress[], options: TestResolverOptions = {}): Resolver {
  const { tuning, ...rest } = options
  return createResolver({ cacheSize: 1000, ...rest, servers, tuning: { ...TEST_TUNING, ...tuning } })
}

/** A clock that is set by hand, milliseconds. */
export class FakeClock {
  #time = 1_000_000
  readonly now = (): number => this.#time

  /** Goes on by seconds. */
  pass(seconds: number): void {
    this.#time += seconds * 1000
  }
}

/** Keeps what is logged. */
export function logged(): { readonly lines: string[]; readonly log: Log } {
  const lines: string[] = []
  return { lines, log: (level, message) => lines.push(`${level} ${message}`) }
}

/**
 * What this process holds open: its sockets, counted as the kernel has them (without /proc: as Node does), and the timers that keep
 * it alive.
 */
export function openHandles(): { readonly sockets: number; readonly timers: number } {
  const resources = process.getActiveResourcesInfo()
  return { sockets: countSockets(resources), timers: resources.filter((kind) => kind === 'Timeout').length }
}

function countSockets(resources: readonly string[]): number {
  if (!existsSync('/proc/self/fd')) return resources.filter((kind) => /UDP|TCP|TLS/.test(kind)).length
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      // The descriptor of this very listing is closed by now.
      return false
    }
  }).length
}
