import { formatEndpoint } from '../model/endpoint'
import { DEFAULT_DIRECT } from '../model/terms'
import type { ServerAddress } from '../dns/types'
import type { Configuration, LoadResult } from '../routing/configuration'
import { type ExpectationResult, unmetText } from '../rules/expectations'
import type { Diagnostic } from '../source/diagnostic'
import { formatFirst } from '../source/format-list'
import { formatCount } from '../status/wording'
import { CONFIGURATION_PATH } from '../files/configuration-source'
import { packageVersion } from '../files/package-version'
import type { LogEntry, LogFields } from './log-entry'

/** The most mistakes of one file that are logged. */
const MOST_LOGGED = 50

type Severity = Diagnostic['severity']

/** How many errors, or warnings, a file has. */
export function countMistakes({ diagnostics, omitted }: LoadResult, severity: Severity): number {
  const kept = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length
  return kept + (severity === 'error' ? omitted.errors : omitted.warnings)
}

/**
 * The errors, or the warnings, of a file as text, each with its place and a caret; of many the first 50, and the number of the rest.
 * Empty where there are none.
 */
export function mistakesText(result: LoadResult, severity: Severity): string {
  const diagnostics = result.diagnostics
    .filter((diagnostic) => diagnostic.severity === severity)
    .map((diagnostic) => ({ ...diagnostic, file: CONFIGURATION_PATH }))
  const omitted = countMistakes(result, severity) - diagnostics.length
  return formatFirst(diagnostics, { most: MOST_LOGGED, omitted }).join('\n')
}

/** The lines of `[tests]` that a file does not meet, as text; of many the first 50, and the number of the rest. */
export function unmetTestsText(results: readonly ExpectationResult[]): string {
  const unmet = results.filter(({ met }) => !met)
  const rest = unmet.length - MOST_LOGGED
  return [
    ...unmet.slice(0, MOST_LOGGED).map((result) => unmetText(result, CONFIGURATION_PATH)),
    ...(rest > 0
      ? [
          `${CONFIGURATION_PATH} does not meet ${formatCount(rest, 'more test')}: npx dns-overrides test lists them`,
        ]
      : []),
  ].join('\n')
}

/** One entry for each line: Haraka joins the lines of one message (`logger.js`), and a caret needs the line above it. */
export function entriesOf(level: LogEntry['level'], text: string): LogEntry[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ level, text: line }))
}

function serverText({ transport, address, port, tlsName }: ServerAddress): string {
  const endpoint = formatEndpoint({ host: address, port })
  return transport === 'tls' ? `tls://${endpoint}${tlsName === undefined ? '' : `#${tlsName}`}` : endpoint
}

function summarize({ settings, rules }: Configuration, holds: readonly string[]): LogFields {
  return {
    version: packageVersion(),
    lines: rules.lines.length,
    attempts: settings.attempts.length,
    relays: settings.relays.map(({ name }) => name),
    terms: [
      ...(settings.direct === DEFAULT_DIRECT ? [] : ['direct']),
      ...settings.directTerms.map(({ name }) => name),
    ],
    dns_servers: settings.dnsServers.length === 0 ? 'system' : settings.dnsServers.map(serverText),
    dns_zones: settings.dnsZones.map(({ domain }) => domain),
    holds,
  }
}

/** A configuration that counts from now on. */
export interface NewConfiguration {
  readonly configuration: Configuration
  /** Names of the relays that are held by hand. */
  readonly holds: readonly string[]
  readonly when: 'start' | 'reload'
}

/** The one NOTICE of a start, or of a reload that was taken up. */
export function inForceEntry({ configuration, holds, when }: NewConfiguration): LogEntry {
  const text =
    when === 'start'
      ? `${CONFIGURATION_PATH} is in force`
      : `${CONFIGURATION_PATH} is read again and in force`
  return { level: 'notice', text, fields: summarize(configuration, holds) }
}

/**
 * The one NOTICE of a reload that was refused.
 *
 * @param reason as the rest of a sentence about the file
 * @param isInForce is there a configuration that stays in force? When it was read is another moment in each worker
 */
export function refusedEntry(reason: string, isInForce: boolean): LogEntry {
  const consequence = isInForce
    ? 'the configuration before it stays in force'
    : 'there are no rules, and no mail is sent'
  return {
    level: 'notice',
    text: `${CONFIGURATION_PATH} ${reason}: ${consequence}`,
    fields: { version: packageVersion() },
  }
}
