import { statSync } from 'node:fs'
import type { Configuration, LoadResult } from '../routing/configuration'
import { runExpectations } from '../rules/expectations'
import { lint } from '../rules/lint'
import type { Diagnostic } from '../source/diagnostic'
import { formatFirst } from '../source/format-list'
import { formatJson } from './shared/json'
import type { Arguments } from './shared/parsed-arguments'
import { loadText, readConfigurationText, readOutboundSettings } from './shared/require-configuration'
import { EXIT } from './shared/exit-status'
import { findOperandOrOption } from './shared/location'
import { paint } from '../status/paint'
import type { Terminal } from './shared/terminal'
import { formatCount } from '../status/wording'

/** The text to check. */
interface Source {
  /** Its name in diagnostics. */
  readonly file: string
  readonly text: string
  /** Where Haraka's own settings are. */
  readonly configFolder: string
  /** Permission bits, if the system has them. */
  readonly fileMode?: number
}

async function readSource(args: Arguments, terminal: Terminal): Promise<Source> {
  const { file, configFolder, text } = await findOperandOrOption('check', args, terminal)
  if (text !== undefined) return { file, configFolder, text }
  // Windows has no such bits, and reports meaningless ones.
  return process.platform === 'win32'
    ? { file, configFolder, text: readConfigurationText(file) }
    : { file, configFolder, text: readConfigurationText(file), fileMode: statSync(file).mode }
}

/** A warning for each line of `[tests]` that does not hold. */
async function findFailingTests(configuration: Configuration, text: string): Promise<readonly Diagnostic[]> {
  const { file, settings } = configuration
  const lines = text.split(/\r\n|\n|\r/)
  const results = await runExpectations(configuration)
  const refused = settings.tests.onReload === 'refuse'
  const consequence = refused ? '; on a reload Haraka refuses this file (on_reload = refuse)' : ''
  return results
    .filter(({ met }) => !met)
    .map(({ expectation, actual }) => {
      const indent = /^\s*/.exec(lines[expectation.line - 1] ?? '')![0]
      return {
        severity: 'warning',
        code: 'failing-test',
        message: `this test fails: the rules decide ${actual}${consequence}`,
        file,
        span: { line: expectation.line, column: indent.length + 1, length: expectation.text.length },
        source: indent + expectation.text,
      }
    })
}

/** Warnings that may be wrong while a line has an error: that line may be the one that uses the relay or needs the priority. */
const NEED_ALL_LINES: readonly string[] = ['unused-relay', 'idle-priority']

/** Warnings of text that is legal but probably not intended. */
async function findWarnings(
  { configuration, rest }: LoadResult,
  { text, configFolder, fileMode }: Source,
  now: number,
): Promise<readonly Diagnostic[]> {
  const checked = configuration ?? rest
  if (checked === undefined) return []
  const warnings = lint(checked, {
    text,
    retryIntervalsSeconds: readOutboundSettings({ configFolder }).retryIntervalsSeconds,
    ...(fileMode === undefined ? {} : { fileMode }),
    now,
  })
  if (configuration === undefined) return warnings.filter(({ code }) => !NEED_ALL_LINES.includes(code))
  return [...warnings, ...(await findFailingTests(configuration, text))]
}

function compareByPlace(a: Diagnostic, b: Diagnostic): number {
  return a.span.line - b.span.line || a.span.column - b.span.column
}

/** `dns-overrides check`: exit status 78 if there is an error; warnings do not change it. */
export async function runCheck(args: Arguments, terminal: Terminal): Promise<number> {
  const source = await readSource(args, terminal)
  const result = loadText(source.text, source)
  const all = [...result.diagnostics, ...(await findWarnings(result, source, terminal.now()))].sort(
    compareByPlace,
  )
  const listed = all.filter(({ severity }) => severity === 'error').length
  const errors = listed + result.omitted.errors
  const warnings = all.length - listed + result.omitted.warnings
  if (args.flag('json')) {
    terminal.out(formatJson(all))
  } else {
    const omitted = result.omitted.errors + result.omitted.warnings
    const format = { color: terminal.color.out, columns: terminal.columns, most: all.length, omitted }
    for (const text of formatFirst(all, format)) terminal.out(`${text}\n\n`)
    const ink = paint(terminal.color.out)
    const summary = `${formatCount(errors, 'error')}, ${formatCount(warnings, 'warning')}`
    terminal.out(`${source.file}: ${errors > 0 ? ink.bad(summary) : ink.good(summary)}\n`)
  }
  return errors > 0 ? EXIT.config : EXIT.ok
}
