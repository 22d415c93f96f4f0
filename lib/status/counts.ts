/*
 * What is counted, by keys of words: `decisions overrides try`. The first word names the count, the others are its labels. Sums of
 * such counts are all that workers, and hosts, tell each other of what they count.
 */

/** Amounts by key. */
export type Counts = Readonly<Record<string, number>>

/** How often an override line has matched. */
export interface LineHits {
  readonly count: number
  /** The last time, milliseconds since the epoch. */
  readonly last: number
}

/** What was counted since the last time: plain data, for another process or another host. */
export interface Increments {
  readonly counts: Counts
  /** By `hashLine` of the line. */
  readonly hits: Readonly<Record<string, LineHits>>
}

/** Names of counts, with their labels. */
export const COUNTS = {
  /** source, action */
  decisions: 'decisions',
  /** upper bound in seconds: decisions that took at most that long, and longer than the bound before */
  decisionSeconds: 'decision_seconds',
  /** milliseconds */
  decisionTime: 'decision_ms',
  /** relay or terms, result */
  connections: 'connections',
  /** hash of the line */
  rescues: 'rescues',
  /** server, type, result */
  dnsQueries: 'dns_queries',
  /** server */
  dnsAnswers: 'dns_answers',
  /** server; milliseconds */
  dnsAnswerTime: 'dns_answer_ms',
  /** result */
  dnsCache: 'dns_cache',
  /** code */
  dnsFailures: 'dns_failures',
  /** result */
  reloads: 'reloads',
} as const

/** The most different keys: what is new beyond them is not counted. */
const MOST_KEYS = 50_000
/** The most lines that a file can have and still be read. */
const MOST_LINES = 1_000_000

/** The key of a count. */
export const countKey = (name: string, ...labels: readonly string[]): string => [name, ...labels].join(' ')

/** The labels of a key, if it is of that name. */
export function labelsOf(key: string, name: string): readonly string[] | undefined {
  const [first, ...labels] = key.split(' ')
  return first === name ? labels : undefined
}

/** The counts of one name, as they are. */
export function countsOf(
  counts: ReadonlyMap<string, number>,
  name: string,
): (readonly [key: string, number])[] {
  const found: (readonly [string, number])[] = []
  for (const entry of counts)
    if (entry[0].startsWith(name) && entry[0][name.length] === ' ') found.push(entry)
  return found
}

/** Adds up what several count. */
export class Sums {
  readonly counts = new Map<string, number>()
  readonly hits = new Map<string, LineHits>()

  add({ counts, hits }: Increments): void {
    for (const [key, amount] of Object.entries(counts)) {
      const before = this.counts.get(key)
      if (before !== undefined || this.counts.size < MOST_KEYS) this.counts.set(key, (before ?? 0) + amount)
    }
    for (const [key, { count, last }] of Object.entries(hits)) {
      const before = this.hits.get(key)
      if (before === undefined && this.hits.size >= MOST_LINES) continue
      this.hits.set(key, { count: (before?.count ?? 0) + count, last: Math.max(before?.last ?? 0, last) })
    }
  }
}
