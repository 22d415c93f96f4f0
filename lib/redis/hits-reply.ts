import { toPrintable } from '../model/printable'

/** One server that shares, for people. */
export interface SharingServer {
  readonly name: string
  readonly workers: number
}

/** How often a line was hit over all servers. */
export interface TotalHits {
  readonly count: number
  /** How long ago it was hit, ms. */
  readonly ageMs: number
}

/** The reply to `HITS`. */
export interface HitsReply {
  readonly epoch: number
  readonly version: number
  /** How long ago the counting began, ms. */
  readonly sinceMs: number
  readonly hasMore: boolean
  readonly servers: readonly SharingServer[]
  readonly lines: ReadonlyMap<string, TotalHits>
}

const HEAD = 6
const MOST_SERVERS = 1_000
const LONGEST_NAME = 100
const LINE = /^[\da-f]{16}$/

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/** Reads a reply; what no server writes is left out. @throws Error if it does not fit the question */
export function readHitsReply(reply: unknown): HitsReply {
  if (!Array.isArray(reply)) throw new Error('Redis sent no list')
  const [kind, epoch, version, sinceMs, more, count] = reply as unknown[]
  const isHead = kind === 'hits' && isCount(epoch) && isCount(version) && isCount(sinceMs) && isCount(count)
  if (!isHead || count > MOST_SERVERS) throw new Error('Redis sent something other than hits')
  const servers: SharingServer[] = []
  const linesAt = HEAD + 2 * count
  for (let at = HEAD; at < linesAt; at += 2) {
    const [name, workers] = reply.slice(at, at + 2) as unknown[]
    if (typeof name === 'string' && isCount(workers)) servers.push({ name: readName(name), workers })
  }
  const lines = new Map<string, TotalHits>()
  for (let at = linesAt; at + 2 < reply.length; at += 3) {
    const [line, hits, ageMs] = reply.slice(at, at + 3) as unknown[]
    if (typeof line !== 'string' || !LINE.test(line) || !isCount(hits) || !isCount(ageMs)) continue
    lines.set(line, { count: hits, ageMs })
  }
  return { epoch, version, sinceMs, hasMore: more === 1, servers, lines }
}

function readName(encoded: string): string {
  try {
    return toPrintable(decodeURIComponent(encoded), { max: LONGEST_NAME })
  } catch {
    return toPrintable(encoded, { max: LONGEST_NAME })
  }
}
