import type { AttemptsEntry, DirectSettings, RelaySettings } from '../config/types'
import { exchangeOf, type Exchange } from '../model/exchange'
import { DEFAULT_DIRECT, type DirectTerms } from '../model/terms'
import type { Report } from '../source/report'
import type { Line } from '../source/line'
import { parseDomainPattern } from './domain-pattern'
import { OverrideParser } from './parse'
import type { NamedTarget } from './target'
import { PatternIndex, type Work } from './pattern-index'
import type { OverrideLine } from './types'

/** What {@link compileRules} compiles. */
export interface RuleSource {
  readonly overrides: readonly Line[]
  readonly relays: readonly RelaySettings[]
  /** `[direct]`. @default as without the section */
  readonly direct?: DirectTerms
  /** `[direct:NAME]`. @default none */
  readonly directTerms?: readonly DirectSettings[]
  /** Checked, except for their patterns. */
  readonly attempts: readonly AttemptsEntry[]
  /** The lines of `[attempts]` as they stand in the file, to point at. */
  readonly attemptsLines: readonly Line[]
}

/** The parts of a rule set, each in file order. */
type RuleParts = Pick<RuleSet, 'lines' | 'relays' | 'direct' | 'directTerms' | 'attempts' | 'readsRecipient'>

/** The override lines, the relays that they name and `[attempts]`, with an index by domain. Immutable. */
export class RuleSet {
  /** In file order. */
  readonly lines: readonly OverrideLine[]
  /** In file order. */
  readonly relays: readonly RelaySettings[]
  readonly direct: DirectTerms
  /** In file order. */
  readonly directTerms: readonly DirectSettings[]
  /** In file order; each pattern in the form that domains have. */
  readonly attempts: readonly AttemptsEntry[]
  /** The relays as exchanges of `[attempts]`, in file order: its relay attempts take them in turn. */
  readonly rotation: readonly Exchange[]
  /** Does a line have a condition on `$rcpt`? */
  readonly readsRecipient: boolean
  readonly #index: PatternIndex<OverrideLine>
  readonly #attemptsIndex: PatternIndex<AttemptsEntry>

  constructor(
    { lines, relays, direct, directTerms, attempts, readsRecipient }: RuleParts,
    index: PatternIndex<OverrideLine>,
    attemptsIndex: PatternIndex<AttemptsEntry>,
  ) {
    this.lines = Object.freeze(lines)
    this.relays = Object.freeze(relays)
    this.direct = direct
    this.directTerms = Object.freeze(directTerms)
    this.attempts = Object.freeze(attempts)
    this.rotation = Object.freeze(relays.map((relay) => exchangeOf(relay, { kind: 'attempts' })))
    this.readsRecipient = readsRecipient
    this.#index = index
    this.#attemptsIndex = attemptsIndex
    Object.freeze(this)
  }

  /** The lines whose domain pattern matches, in file order. `domain` is as `normalizeDomain` gives it. */
  linesFor(domain: string, work?: Work): readonly OverrideLine[] {
    return this.#index.find(domain.toLowerCase(), work)
  }

  /** The entries of `[attempts]` whose pattern matches, in file order. */
  findAttempts(domain: string): readonly AttemptsEntry[] {
    return this.#attemptsIndex.find(domain.toLowerCase())
  }

  /** The entry of `[attempts]` that counts for a domain: the first that matches. */
  attemptsFor(domain: string): AttemptsEntry | undefined {
    return this.findAttempts(domain)[0]
  }
}

/** Lines between two chances for the event loop to run. */
const CHUNK = 64

/** Parses and indexes. Yields now and then, so that a caller may let others run. Mistakes go to the report. */
export function* compileRules(source: RuleSource, report: Report): Generator<undefined, RuleSet> {
  const { overrides, relays, direct = DEFAULT_DIRECT, directTerms = [] } = source
  const named = new Map<string, NamedTarget>([
    ...directTerms.map((terms) => [terms.name.toLowerCase(), { kind: 'terms', direct: terms }] as const),
    ...relays.map((relay) => [relay.name.toLowerCase(), { kind: 'named', relay }] as const),
  ])
  const lines: OverrideLine[] = []
  const parser = new OverrideParser(named, report)
  let readsRecipient = false
  let count = 0
  for (const override of overrides) {
    if (++count % CHUNK === 0) yield
    const line = parser.parse(override)
    if (line === undefined) continue
    readsRecipient ||= line.readsRecipient
    lines.push(line)
  }
  const index = yield* PatternIndex.of(lines, ({ line }) => line)
  const attemptsLines = new Map(source.attemptsLines.map((line) => [line.line, line]))
  const attempts: AttemptsEntry[] = []
  for (const entry of source.attempts) {
    if (++count % CHUNK === 0) yield
    const parsed = parseDomainPattern(entry.pattern)
    if (!parsed.ok) {
      reportAttemptsPattern(entry, parsed, attemptsLines, report)
      continue
    }
    attempts.push({ ...entry, pattern: parsed.pattern })
  }
  const attemptsIndex = yield* PatternIndex.of(attempts, ({ span }) => span.line)
  return new RuleSet({ lines, relays, direct, directTerms, attempts, readsRecipient }, index, attemptsIndex)
}

function reportAttemptsPattern(
  entry: AttemptsEntry,
  { problem, start, end, suggestion }: { problem: string; start: number; end: number; suggestion?: string },
  lines: ReadonlyMap<number, Line>,
  report: Report,
): void {
  const line = lines.get(entry.span.line)
  if (line === undefined) return
  const span = { line: line.line, column: entry.span.column + start, length: end - start }
  report.error(line, span, 'bad-pattern', problem, {
    expected: 'a domain, with * and ? as wildcards',
    suggestion,
  })
}
