import { finish, type Steps } from '../model/steps'
import { PacedFile } from '../relays/paced-file'
import { readLines } from '../relays/private-file'
import { HEARTBEAT_MS, isLiving } from '../relays/snapshot'
import type { Collector } from './collector'
import type { LineHits } from './counts'
import type { Facts } from './facts'
import { FactsReader, formatFacts } from './read-facts'

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

/** Time until a change is written, with all that changed meanwhile. */
const FACTS_DELAY_MS = 500
/** There may be many lines. */
const HITS_DELAY_MS = 2_000
/** Hits that are written in one step. */
const HITS_PART = 512
const LARGEST_BYTES = 64 * 1024 * 1024

/** A line by its hash, and its hits. In their place may stand undefined: no line, but work. */
type HitsEntry = readonly [hash: string, hits: LineHits]

/** Where facts come from and go to. */
export interface FactsFileOptions {
  /** The state folder. */
  readonly folder: string
  readonly collector: Pick<Collector, 'writtenFacts' | 'hits'>
  /** The hits over all servers; absent: they are not shared. */
  readonly sharedHits?: () => Iterable<HitsEntry | undefined>
  readonly warn: (message: string) => void
}

/** Writes the facts whenever they change, and at least once a minute. */
export class FactsFile {
  readonly #heartbeat: NodeJS.Timeout
  readonly #facts: PacedFile
  readonly #hits: readonly PacedFile[]
  constructor({ folder, collector, sharedHits, warn }: FactsFileOptions) {
    const open = (name: string, delayMs: number, format: () => Iterable<string>) => {
      const onError = ({ message }: Error) => {
        // Once, and not for each file.
        if (this.#files.filter(({ isFailing }) => isFailing).length > 1) return
        warn(`the status cannot be written: ${message}`)
      }
      return new PacedFile({ folder, name, delayMs, format, onError })
    }
    this.#facts = open(FACTS_FILE, FACTS_DELAY_MS, () => formatFacts(collector.writtenFacts))
    this.#hits = [
      open(HITS_FILE, HITS_DELAY_MS, () => formatHits(collector.hits)),
      ...(sharedHits === undefined
        ? []
        : [open(SHARED_HITS_FILE, HITS_DELAY_MS, () => formatHits(sharedHits()))]),
    ]
    this.#heartbeat = setInterval(() => this.#facts.write(), HEARTBEAT_MS).unref()
    for (const file of this.#files) file.write()
  }

  get #files(): readonly PacedFile[] {
    return [this.#facts, ...this.#hits]
  }

  /** Something has changed; `hits`: those of lines too. */
  noteChange({ hits }: { readonly hits: boolean }): void {
    this.#facts.noteChange()
    if (hits) for (const file of this.#hits) file.noteChange()
  }

  /** Writes what is not yet written, and stops. */
  close(): void {
    clearInterval(this.#heartbeat)
    for (const file of this.#files) file.close()
  }
}

/** Hits as a file has them, a part at a time. */
export function* formatHits(hits: Iterable<HitsEntry | undefined>): Generator<string, void> {
  let text = ''
  let lines = 0
  for (const entry of hits) {
    if (entry !== undefined) text += `${entry[0]} ${entry[1].count} ${entry[1].last}\n`
    if (++lines % HITS_PART !== 0) continue
    yield text
    text = ''
  }
  yield text
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
  const reader = new FactsReader()
  try {
    yield* readIfThere(folder, FACTS_FILE, (line) => reader.add(line))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  const { facts } = reader
  return facts !== undefined && isLiving(facts, now) ? facts : undefined
}

const HITS = /^([\da-f]{16}) (\d{1,15}) (\d{1,15})$/

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
  yield* readIfThere(folder, scope === 'server' ? HITS_FILE : SHARED_HITS_FILE, (line) => {
    const [, key, count, last] = HITS.exec(line) ?? []
    if (key !== undefined) visit(key, Number(count), Number(last))
  })
}

/** A folder that does not exist has no lines. */
function* readIfThere(folder: string, file: string, visit: (line: string) => void): Steps<void> {
  try {
    yield* readLines(folder, file, LARGEST_BYTES, visit)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
