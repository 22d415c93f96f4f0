import { appendFileSync, closeSync } from 'node:fs'
import { HOUR_MS } from '../model/duration'
import type { Clock } from './clock'
import type { JournalState, LimitJournal, SentCount } from './limit-arbiter'
import { createFile, readSmallFile, replaceFile, temporaryName } from './private-file'

/*
 * What was sent in the last hour, so that a server that is killed and started again keeps to `max_per_hour`. A line is written
 * before a place is handed out and after it is given back; it survives if processes are killed (a crash of the machine may lose
 * the lines of its last seconds). Each line is a JSON array:
 *
 *   ["journal", 1, boot]                    the first: version, and the boot that monotonic times belong to
 *   ["sent", key, monotonic, wall, amount]  sent before this file was begun
 *   ["open", place, key]
 *   ["sent-by", place, monotonic, wall]     closed, and the message counts from then on
 *   ["unsent", place]                       closed, and the message does not count
 */

/** Its name in the state folder. */
const JOURNAL_FILE = 'quota.journal'

const VERSION = 1
/** Bytes after which the journal is written anew. */
const REWRITE_BYTES = 256 * 1024
/** A longer file was not written here, bytes. */
const LARGEST_BYTES = 64 * 1024 * 1024

export interface QuotaJournalOptions {
  /** The state folder. */
  readonly folder: string
  readonly clock: Clock
  readonly warn: (message: string) => void
  /** Bytes after which it is written anew. */
  readonly rewriteBytes?: number
}

/** Opens the journal of the folder. A file that cannot be read or written costs a warning, never mail. */
export function openQuotaJournal(options: QuotaJournalOptions): LimitJournal {
  return new QuotaJournal(options)
}

class QuotaJournal implements LimitJournal {
  readonly recovered: readonly SentCount[]
  readonly #options: QuotaJournalOptions
  #take: () => JournalState
  #file: number | undefined
  #bytes = 0
  #isWriting = true
  #isClosed = false

  constructor(options: QuotaJournalOptions) {
    this.#options = options
    this.recovered = this.#recover()
    this.#take = () => ({ sent: this.recovered, open: [] })
    this.#rewrite()
  }

  onRewrite(take: () => JournalState): void {
    this.#take = take
  }

  noteOpen(place: number, key: string): void {
    this.#append(['open', place, key])
  }

  noteClose(place: number, sent: boolean, at: number): void {
    this.#append(sent ? ['sent-by', place, at, this.#options.clock.wall()] : ['unsent', place])
  }

  close(): void {
    this.#isClosed = true
    this.#closeFile()
  }

  #append(line: readonly unknown[]): void {
    const file = this.#file
    // The change that could not be written is now part of the state.
    if (file === undefined) return this.#rewrite()
    const text = `${JSON.stringify(line)}\n`
    this.#try(() => appendFileSync(file, text))
    this.#bytes += text.length
    if (this.#bytes > (this.#options.rewriteBytes ?? REWRITE_BYTES)) this.#rewrite()
  }

  /** It replaces the old file at once, so that there always is one. */
  #rewrite(): void {
    if (this.#isClosed) return
    const { folder, clock } = this.#options
    const { sent, open } = this.#take()
    const offset = clock.wall() - clock.monotonic()
    const lines = [
      ['journal', VERSION, clock.boot ?? null],
      ...sent.map(({ key, at, amount }) => ['sent', key, at, at + offset, amount]),
      ...open.map(({ place, key }) => ['open', place, key]),
    ]
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    this.#closeFile()
    this.#bytes = 0
    this.#try(() => {
      this.#file = createFile(folder, temporaryName(JOURNAL_FILE), text)
      replaceFile(folder, temporaryName(JOURNAL_FILE), JOURNAL_FILE)
    })
  }

  #closeFile(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  /** A full disk may have room again: the next change writes everything anew. The failure is logged once. */
  #try(write: () => void): void {
    try {
      write()
      this.#isWriting = true
    } catch (error) {
      this.#closeFile()
      if (this.#isWriting) {
        this.#options.warn(
          `after a restart max_per_hour would not count what was sent before it: ${messageOf(error)}`,
        )
      }
      this.#isWriting = false
    }
  }

  #recover(): SentCount[] {
    const { folder, clock, warn } = this.#options
    let text: string | undefined
    try {
      text = readSmallFile(folder, JOURNAL_FILE, LARGEST_BYTES)
    } catch (error) {
      warn(`max_per_hour does not count what was sent before this start: ${messageOf(error)}`)
    }
    return text === undefined ? [] : replay(text, clock)
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0

/** What was sent, by the lines of a journal. Lines that are incomplete or were written by hand are skipped. */
function replay(text: string, clock: Clock): SentCount[] {
  const now = clock.monotonic()
  const open = new Map<number, string>()
  const sent: SentCount[] = []
  let sameBoot = false
  const add = (key: string, monotonic: number, wall: number, amount: number) => {
    // After a boot only the clock time says how long ago it was. A time in the future counts as now.
    const at = sameBoot ? Math.min(monotonic, now) : now - Math.max(clock.wall() - wall, 0)
    if (at > now - HOUR_MS - 60_000) sent.push({ key, at, amount })
  }
  for (const line of text.split('\n')) {
    const [kind, ...rest] = parse(line)
    const [first, second, third, fourth] = rest
    if (kind === 'journal') sameBoot = first === VERSION && clock.boot !== undefined && second === clock.boot
    else if (kind === 'open' && isCount(first) && typeof second === 'string') open.set(first, second)
    else if (kind === 'unsent' && isCount(first)) open.delete(first)
    else if (kind === 'sent-by' && isCount(first) && isTime(second) && isTime(third)) {
      const key = open.get(first)
      open.delete(first)
      if (key !== undefined) add(key, second, third, 1)
    } else if (
      kind === 'sent' &&
      typeof first === 'string' &&
      isTime(second) &&
      isTime(third) &&
      isCount(fourth)
    ) {
      add(first, second, third, fourth)
    }
  }
  // The process was killed while these were under way: they may have been sent at any moment until now.
  for (const key of open.values()) sent.push({ key, at: now, amount: 1 })
  return sent.sort((a, b) => a.at - b.at)
}

function parse(line: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(line)
    return Array.isArray(value) ? (value as unknown[]) : []
  } catch {
    return []
  }
}
