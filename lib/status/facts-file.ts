import { finish, type Steps } from '../model/steps'
import { overwriteFile, readSmallFile } from '../relays/private-file'
import { HEARTBEAT_MS, isLiving } from '../relays/snapshot'
import type { Collector } from './collector'
import type { Facts, HitsByLine } from './facts'
import { formatFacts, readFacts } from './read-facts'

/*
 * What a server reports of itself, in its state folder (see state-folder.ts): the master writes it, or the only process. Every worker
 * reads it for the status page, and so does the command line.
 *
 *   status.json   Facts. Holds no secret.
 *   rule-hits     one line for each override line that was hit: hash, count, last time in ms since the epoch.
 *   shared-hits   the same over all servers that use the same Redis.
 */

const FACTS_FILE = 'status.json'
const HITS_FILE = 'rule-hits'
const SHARED_HITS_FILE = 'shared-hits'

/** A change is written after so long, with all that changed since. */
const FACTS_DELAY_MS = 500
/** There may be many lines. */
const HITS_DELAY_MS = 2_000
const LARGEST_BYTES = 64 * 1024 * 1024

/** Where facts come from and go to. */
export interface FactsFileOptions {
  /** The state folder. */
  readonly folder: string
  readonly collector: Pick<Collector, 'facts' | 'hits'>
  /** The hits over all servers; absent: they are not shared. */
  readonly sharedHits?: () => HitsByLine
  readonly warn: (message: string) => void
}

/** Writes the facts whenever they change, and at least once a minute. */
export class FactsFile {
  readonly #options: FactsFileOptions
  readonly #heartbeat: NodeJS.Timeout
  #facts: NodeJS.Timeout | undefined
  #hits: NodeJS.Timeout | undefined
  #isWriting = true

  constructor(options: FactsFileOptions) {
    this.#options = options
    this.#heartbeat = setInterval(() => this.#writeFacts(), HEARTBEAT_MS).unref()
    this.#writeFacts()
    this.#writeHits()
  }

  /** Something has changed; `hits`: those of lines too. */
  noteChange({ hits }: { readonly hits: boolean }): void {
    this.#facts ??= setTimeout(() => this.#writeFacts(), FACTS_DELAY_MS).unref()
    if (hits) this.#hits ??= setTimeout(() => this.#writeHits(), HITS_DELAY_MS).unref()
  }

  /** Writes what is not yet written, and stops. */
  close(): void {
    clearInterval(this.#heartbeat)
    if (this.#facts !== undefined) this.#writeFacts()
    if (this.#hits !== undefined) this.#writeHits()
  }

  #writeFacts(): void {
    clearTimeout(this.#facts)
    this.#facts = undefined
    this.#write(FACTS_FILE, () => formatFacts(this.#options.collector.facts))
  }

  #writeHits(): void {
    clearTimeout(this.#hits)
    this.#hits = undefined
    const { collector, sharedHits } = this.#options
    this.#write(HITS_FILE, () => formatHits(collector.hits))
    if (sharedHits !== undefined) this.#write(SHARED_HITS_FILE, () => formatHits(sharedHits()))
  }

  #write(file: string, format: () => string): void {
    try {
      overwriteFile(this.#options.folder, file, format())
      this.#isWriting = true
    } catch (error) {
      // A full disk has room again some day: tried with the next change, and logged once.
      if (this.#isWriting) this.#options.warn(`the status cannot be shown: ${(error as Error).message}`)
      this.#isWriting = false
    }
  }
}

function formatHits(hits: HitsByLine): string {
  let text = ''
  for (const [key, { count, last }] of hits) text += `${key} ${count} ${last}\n`
  return text
}

/**
 * What the running server reports of itself; undefined if none runs.
 *
 * @param folder the state folder
 * @param now milliseconds since the epoch
 * @throws Error as `fs` does, and if the folder is a link
 */
export const readFactsFile = (folder: string, now: number): Facts | undefined =>
  finish(readFactsInSteps(folder, now))

/** As {@link readFactsFile}, in steps. */
export function* readFactsInSteps(folder: string, now: number): Steps<Facts | undefined> {
  try {
    const facts = yield* readFacts(readText(folder, FACTS_FILE))
    return facts !== undefined && isLiving(facts, now) ? facts : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const HITS = /^([\da-f]{16}) (\d{1,15}) (\d{1,15})$/
/** Lines of one step. */
const STEP = 256

/** Hits over all workers of the server, or over all servers that use the same Redis. */
export type HitScope = 'server' | 'all'

/**
 * Hands the hits of each line to `visit`, in steps. A folder without the file has none. Of 100,000 lines a map would be garbage that
 * the event loop waits for.
 */
export function* visitHits(
  folder: string,
  visit: (key: string, count: number, last: number) => void,
  scope: HitScope = 'server',
): Steps<void> {
  const text = readText(folder, scope === 'server' ? HITS_FILE : SHARED_HITS_FILE)
  let lines = 0
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start)
    const [, key, count, last] = HITS.exec(text.slice(start, end === -1 ? text.length : end)) ?? []
    if (key !== undefined) visit(key, Number(count), Number(last))
    if (end === -1) break
    start = end + 1
    if (++lines % STEP === 0) yield
  }
}

function readText(folder: string, file: string): string {
  try {
    return readSmallFile(folder, file, LARGEST_BYTES) ?? ''
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
