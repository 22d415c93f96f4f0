import { runExpectations, type ExpectationResult } from '../rules/expectations'
import { formatJson } from './shared/json'
import type { Arguments } from './shared/parsed-arguments'
import { requireConfiguration } from './shared/require-configuration'
import { EXIT } from './shared/exit-status'
import { findOperandOrOption } from './shared/location'
import { paint, type Paint } from '../status/paint'
import type { Terminal } from './shared/terminal'
import { describeSource, formatCount } from '../status/wording'
import { findUntested, type UntestedLine } from './test/coverage'

function resultText(
  { expectation, met, actual, decision }: ExpectationResult,
  file: string,
  ink: Paint,
): string {
  const place = `${file}:${expectation.line}`
  if (met) return `${ink.good('ok  ')} ${place}  ${expectation.text}\n`
  const why = decision.noRoute?.message ?? `by ${describeSource(decision)}`
  return `${ink.bad('FAIL')} ${place}  ${expectation.text}\n     the rules say: ${actual} (${why})\n`
}

function coverageText(untested: readonly UntestedLine[], lines: number, ink: Paint): string {
  const summary = `${lines - untested.length} of ${formatCount(lines, 'override line')} reached by a test`
  if (untested.length === 0) return `${ink.good(summary)}\n`
  const width = String(untested.at(-1)!.line).length
  const indent = ' '.repeat(width + 4)
  const rows = untested.flatMap(({ line, text, expectation }) => [
    `  ${String(line).padStart(width)}  ${text}`,
    expectation === undefined
      ? `${indent}${ink.faint('no message was found that reaches it')}`
      : `${indent}${ink.strong(expectation)}`,
  ])
  return [
    '',
    'Override lines that no test reaches, each with a test to paste into [tests]:',
    ...rows,
    '',
    `${ink.warn(summary)}\n`,
  ].join('\n')
}

function resultJson({ expectation, met, actual }: ExpectationResult): Record<string, unknown> {
  return { line: expectation.line, text: expectation.text, met, actual }
}

/**
 * `dns-overrides test`: exit status 78 if an expectation of the file is not met. What `--coverage` finds does not change it.
 */
export async function runTest(args: Arguments, terminal: Terminal): Promise<number> {
  const location = await findOperandOrOption('test', args, terminal)
  const { file } = location
  const configuration = requireConfiguration(location, terminal)
  const results = runExpectations(configuration)
  const untested = args.flag('coverage') ? findUntested(configuration.rules, results) : undefined
  const unmet = results.filter(({ met }) => !met).length
  if (args.flag('json')) {
    const tests = results.map(resultJson)
    terminal.out(formatJson(untested === undefined ? tests : { tests, untested }))
  } else {
    const ink = paint(terminal.color.out)
    for (const result of results) terminal.out(resultText(result, file, ink))
    const summary = `${formatCount(results.length, 'test')}, ${unmet} failed`
    terminal.out(`${unmet > 0 ? ink.bad(summary) : ink.good(summary)}\n`)
    if (untested !== undefined) terminal.out(coverageText(untested, configuration.rules.lines.length, ink))
  }
  return unmet > 0 ? EXIT.config : EXIT.ok
}
