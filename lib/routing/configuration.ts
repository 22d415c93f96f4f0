import { maskLine } from '../rules/mask'
import { type LongText, partsOf } from '../model/long-text'
import { finish, finishInSteps, type Steps } from '../model/steps'
import { checkEncoding } from '../config/encoding'
import { parseFile } from '../config/parse'
import { Report, type Omitted } from '../source/report'
import { readSettings } from '../config/settings'
import type { SecretSources, Settings } from '../config/types'
import type { Diagnostic } from '../source/diagnostic'
import { compileRules, type RuleSet } from '../rules/compile'
import { readTests, type Expectation } from '../rules/expectations'
import { reportOwnTargets, type OwnServer } from './own-server'

/** One configuration, whole and immutable: a message sees this one or the next, never a mixture. */
export interface Configuration {
  readonly file: string
  readonly settings: Settings
  readonly rules: RuleSet
  /** The lines of `[tests]`, parsed. */
  readonly tests: readonly Expectation[]
}

/** What loading a file gives. With an error among the diagnostics there is no configuration. */
export interface LoadResult {
  readonly configuration?: Configuration
  /** If there are errors: the rest, without the wrong lines, to look for other mistakes. Never to be used for mail. */
  readonly rest?: Configuration
  /** Errors and warnings in order of line and column; of very many only the first (`MOST_DIAGNOSTICS`). */
  readonly diagnostics: readonly Diagnostic[]
  /** How many errors and warnings there are besides. */
  readonly omitted: Omitted
}

/** Where a text comes from. */
export interface LoadOptions {
  /** For diagnostics. A relative `password_file` is relative to its folder. */
  readonly file: string
  readonly secrets: SecretSources
  /** Where this mail server itself is; absent: targets are not compared with it. */
  readonly ownServer?: OwnServer
}

/** The whole work, in small steps. Never throws. */
function* loading(text: LongText, { file, secrets, ownServer }: LoadOptions): Steps<LoadResult> {
  const report = new Report(file, maskLine)
  if (!(yield* checkEncoding(text, report))) {
    const { diagnostics, omitted } = report
    return { diagnostics, omitted }
  }
  const sections = yield* parseFile(text, report)
  const { settings, ...lines } = yield* readSettings(sections, report, secrets)
  const { relays, direct, directTerms, attempts } = settings
  yield
  const rules = yield* compileRules(
    {
      overrides: lines.overrides,
      relays,
      direct,
      directTerms,
      attempts,
      attemptsLines: lines.attempts,
    },
    report,
  )
  const tests = readTests(
    lines.tests,
    report,
    [...relays, ...directTerms].map(({ name }) => name),
  )
  if (ownServer !== undefined) {
    yield* reportOwnTargets(ownServer, { sections, overrides: lines.overrides, rules }, report)
  }
  const { diagnostics, omitted } = report
  const configuration = Object.freeze({ file, settings: Object.freeze(settings), rules, tests })
  return report.hasErrors
    ? { rest: configuration, diagnostics, omitted }
    : { configuration, diagnostics, omitted }
}

/** Reads and checks a configuration in one go, for start-up and the command line. Reports all mistakes; never throws. */
export function loadConfiguration(text: string | LongText, options: LoadOptions): LoadResult {
  return finish(loading(partsOf(text), options))
}

/** As {@link loadConfiguration}, but lets the event loop run every few milliseconds: for a running server. */
export function loadConfigurationInSteps(text: string | LongText, options: LoadOptions): Promise<LoadResult> {
  return finishInSteps(loading(partsOf(text), options))
}
