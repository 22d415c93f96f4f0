import { readFileSync, statSync } from 'node:fs'
import type { Configuration } from '../routing/configuration'
import type { Diagnostic } from '../source/diagnostic'
import { UsageError } from '../model/errors'
import { lint } from '../rules/lint'
import { configurationFile, harakaOutbound, loadFile, printDiagnostics } from './shared/configuration-file'
import { paint } from './shared/paint'
import { EXIT, type Arguments, type Terminal } from './shared/types'
import { count } from './shared/wording'

/** The file that is named as operand or with `--config`. */
export function namedFile(command: string, args: Arguments, terminal: Terminal): string {
  const [operand] = args.operands
  const option = args.value('config')
  if (operand !== undefined && option !== undefined) {
    throw new UsageError(`${command}: FILE and --config name a file twice`)
  }
  return configurationFile(operand ?? option, terminal)
}

/** Warnings of what is legal and surely not meant. */
function warnings(configuration: Configuration, file: string, terminal: Terminal): readonly Diagnostic[] {
  return lint(configuration, {
    text: readFileSync(file, 'utf8'),
    intervals: harakaOutbound(file, terminal).intervals,
    // Windows has no such bits, and gives some that say nothing
    ...(process.platform === 'win32' ? {} : { fileMode: statSync(file).mode }),
  })
}

function byPlace(a: Diagnostic, b: Diagnostic): number {
  return a.span.line - b.span.line || a.span.column - b.span.column
}

/** `dns-overrides check`: exit status 78 where there is an error; warnings do not change it. */
export function runCheck(args: Arguments, terminal: Terminal): number {
  const file = namedFile('check', args, terminal)
  const { configuration, diagnostics } = loadFile(file)
  const all =
    configuration === undefined
      ? diagnostics
      : [...diagnostics, ...warnings(configuration, file, terminal)].sort(byPlace)
  const errors = all.filter(({ severity }) => severity === 'error').length
  if (args.flag('json')) {
    terminal.out(`${JSON.stringify(all, null, 2)}\n`)
  } else {
    printDiagnostics(all, terminal.out, terminal.color.out)
    const ink = paint(terminal.color.out)
    const verdict = `${count(errors, 'error')}, ${count(all.length - errors, 'warning')}`
    terminal.out(`${file}: ${errors > 0 ? ink.bad(verdict) : ink.good(verdict)}\n`)
  }
  return errors > 0 ? EXIT.config : EXIT.ok
}
