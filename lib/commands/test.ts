import { runExpectations, type ExpectationResult } from '../rules/expectations'
import { namedFile } from './check'
import { requireConfiguration } from './shared/configuration-file'
import { paint, type Paint } from './shared/paint'
import { EXIT, type Arguments, type Terminal } from './shared/types'
import { count, linesText } from './shared/wording'

function resultText(
  { expectation, met, actual, decision }: ExpectationResult,
  file: string,
  ink: Paint,
): string {
  const place = `${file}:${expectation.line}`
  if (met) return `${ink.good('ok  ')} ${place}  ${expectation.text}\n`
  const { matched, source, noRoute } = decision
  const by = source === 'overrides' ? linesText(matched) : source
  const why = noRoute === undefined ? `by ${by}` : noRoute.message
  return `${ink.bad('FAIL')} ${place}  ${expectation.text}\n     but it is: ${actual} (${why})\n`
}

function resultJson({ expectation, met, actual }: ExpectationResult): Record<string, unknown> {
  return { line: expectation.line, text: expectation.text, met, actual }
}

/** `dns-overrides test`: exit status 78 where an expectation of the file is not met. */
export async function runTest(args: Arguments, terminal: Terminal): Promise<number> {
  const file = namedFile('test', args, terminal)
  const configuration = requireConfiguration(file, terminal)
  const results = await runExpectations(configuration)
  const failed = results.filter(({ met }) => !met).length
  if (args.flag('json')) {
    terminal.out(`${JSON.stringify(results.map(resultJson), null, 2)}\n`)
  } else {
    const ink = paint(terminal.color.out)
    for (const result of results) terminal.out(resultText(result, file, ink))
    const verdict = `${count(results.length, 'test')}, ${failed} failed`
    terminal.out(`${failed > 0 ? ink.bad(verdict) : ink.good(verdict)}\n`)
  }
  return failed > 0 ? EXIT.config : EXIT.ok
}
