import { nearest } from '../source/suggest'
import type { Configuration } from '../routing/configuration'
import { UsageError } from '../model/errors'
import { relayKey } from '../model/exchange'
import type { Relay } from '../model/relay'
import { createTokenRequest } from '../oauth/token-request'
import { probeRelay, type ProbeFinding, type RelayReport } from '../smtp/probe'
import { formatJson } from './shared/json'
import type { Arguments } from './shared/parsed-arguments'
import { readOutboundSettings, requireConfiguration } from './shared/require-configuration'
import { EXIT } from './shared/exit-status'
import { findConfiguration } from './shared/location'
import { openResolver } from './shared/lookup'
import { paint, type Paint } from '../status/paint'
import type { Terminal } from './shared/terminal'
import { wrapText } from './shared/wrap'

/** Seconds for each step, without `--timeout`. */
const DEFAULT_TIMEOUT_SECONDS = 10

/** The named relays in file order, and the servers written in override lines, each once. */
function listRelays({ settings, rules }: Configuration): readonly Relay[] {
  const inline = rules.lines.flatMap(({ target }) => (target.kind === 'inline' ? [target.relay] : []))
  const all = [...settings.relays, ...inline]
  const seen = new Set<string>()
  return all.filter((relay) => {
    const key = `${relay.name ?? ''} ${relayKey(relay)}`
    return !seen.has(key) && seen.add(key)
  })
}

/**
 * The relays that the operands name: by section, else by host.
 *
 * @throws UsageError if there is no such relay
 */
function chooseRelays(names: readonly string[], all: readonly Relay[]): readonly Relay[] {
  if (names.length === 0) return all
  return names.flatMap((name) => {
    const plain = name.replace(/^@/, '').toLowerCase()
    const named = all.filter((relay) => relay.name?.toLowerCase() === plain)
    const found = named.length > 0 ? named : all.filter(({ endpoint }) => endpoint.host === plain)
    if (found.length > 0) return found
    const known = all.map((relay) => relay.name ?? relay.endpoint.host)
    const meant = nearest(plain, known)
    const hint =
      meant === undefined ? `the relays are ${known.join(', ') || 'none'}` : `did you mean ${meant}?`
    throw new UsageError(`probe: unknown relay "${name}"; ${hint}`)
  })
}

/** Milliseconds. */
function readTimeout(args: Arguments): number {
  const text = args.value('timeout') ?? String(DEFAULT_TIMEOUT_SECONDS)
  const seconds = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || seconds <= 0 || seconds > 3600) {
    throw new UsageError(`--timeout takes seconds, more than 0 and at most 3600, not "${text}"`)
  }
  return seconds * 1000
}

const MARKS: Readonly<Record<ProbeFinding['result'], string>> = { good: 'ok  ', warning: 'warn', bad: 'BAD ' }

/** Before the message of a finding: the mark and the step. */
const MARGIN = ' '.repeat(21)

/** How to write a report. */
interface ReportStyle {
  readonly ink: Paint
  /** Characters that fit on a line. */
  readonly columns: number
}

function findingText(
  { result, step, message, advice }: ProbeFinding,
  { ink, columns }: ReportStyle,
): string[] {
  const color = { good: ink.good, warning: ink.warn, bad: ink.bad }[result]
  const title = `    ${color(MARKS[result])} ${step.padEnd(11)} `
  const text = wrapText(message, MARGIN, columns).slice(MARGIN.length)
  const lines = advice === undefined ? [] : wrapText(advice, MARGIN, columns).split('\n')
  return [`${title}${text}`, ...lines.map((line) => `${MARGIN}${ink.strong(line.slice(MARGIN.length))}`)]
}

function reportText(report: RelayReport, style: ReportStyle): string {
  const { ink } = style
  const name = report.name === undefined ? '' : `@${report.name}  `
  const result = report.good ? ink.good('good') : ink.bad('fails')
  return [
    `${ink.strong(`${name}${report.key}`)}  ${result}`,
    ...report.findings.flatMap((finding) => findingText(finding, style)),
    ...report.addresses.flatMap(({ address, findings }) => [
      `  ${address}`,
      ...findings.flatMap((finding) => findingText(finding, style)),
    ]),
    '',
  ].join('\n')
}

/**
 * `dns-overrides probe`: all relays at once, printed in their order as soon as each is known. Exit status 0 if every relay is good,
 * 75 if one is not.
 */
export async function runProbe(args: Arguments, terminal: Terminal): Promise<number> {
  const timeoutMs = readTimeout(args)
  const location = findConfiguration(args.value('config'), terminal)
  const configuration = requireConfiguration(location, terminal, { needsSecrets: true })
  const relays = chooseRelays(args.operands, listRelays(configuration))
  const { inetPrefer } = readOutboundSettings(location)
  const resolver = openResolver(configuration, (message) => terminal.err(`${message}\n`))
  const style = { ink: paint(terminal.color.out), columns: terminal.columns }
  const askToken = createTokenRequest({ timeoutMs })
  try {
    const probes = relays.map((relay) =>
      probeRelay(relay, {
        lookup: async (host) => resolver.relayAddresses(host, inetPrefer),
        now: terminal.now,
        timeoutMs,
        askToken,
      }),
    )
    const reports: RelayReport[] = []
    for (const probe of probes) {
      const report = await probe
      reports.push(report)
      if (!args.flag('json')) terminal.out(`${reportText(report, style)}\n`)
    }
    if (args.flag('json')) terminal.out(formatJson(reports))
    else if (reports.length === 0) terminal.out(`${location.file} names no relay\n`)
    return reports.every(({ good }) => good) ? EXIT.ok : EXIT.tempFail
  } finally {
    resolver.close()
  }
}
