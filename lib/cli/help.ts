import { EXIT, type CommandSpec, type OptionSpec } from '../commands/shared/types'

/** The name under which the program is installed. */
export const PROGRAM = 'dns-overrides'

/** What each exit status means, in a few words. */
const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  usage: 'wrong use of the command line',
  noRoute: 'no route: the message would bounce',
  fault: 'a fault of this program',
  tempFail: 'not now: the message would be deferred, or a relay failed',
  config: 'the configuration is missing, has errors, or fails its own tests',
}

/** The exit statuses that every command may end with. */
const ALWAYS = ['ok', 'usage'] as const

/** Breaks text at spaces so that no line is longer than 96 characters. */
export function wrap(text: string, indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > 96) {
      lines.push(indent + line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  lines.push(indent + line)
  return lines.join('\n')
}

/** `explain RECIPIENT [options]`. */
export function synopsis(command: CommandSpec): string {
  const operands = command.operands.map(({ name, optional, repeats }) => {
    const word = repeats === true ? `${name}...` : name
    return optional === true ? `[${word}]` : word
  })
  return [command.name, ...operands, '[options]'].join(' ')
}

/** `-h, --help` or `--config FILE`. */
export function optionTitle(option: OptionSpec): string {
  const short = option.short === undefined ? '' : `-${option.short}, `
  const value = option.value === undefined ? '' : ` ${option.value}`
  return `${short}--${option.name}${value}`
}

/** Status and meaning of each way in which a command may end. */
export function exitTable(command: CommandSpec): readonly (readonly [number, string])[] {
  return [...new Set([...ALWAYS, ...command.exits])]
    .map((name) => [EXIT[name], EXIT_MEANINGS[name]] as const)
    .sort((a, b) => a[0] - b[0])
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}

/** `dns-overrides help`. */
export function generalHelp(table: readonly CommandSpec[]): string {
  return [
    `${PROGRAM}: which server a message goes to, and why`,
    '',
    `Usage: ${PROGRAM} COMMAND ...`,
    '',
    columns(table.map((command) => [command.name, command.summary])),
    '',
    `${PROGRAM} help COMMAND (or COMMAND --help) says more, with examples.`,
    '',
  ].join('\n')
}

/** A summary as a sentence of its own. */
export function sentence(summary: string): string {
  return `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`
}

/** `dns-overrides help COMMAND`. */
export function commandHelp(command: CommandSpec, common: readonly OptionSpec[]): string {
  const options = [...command.options, ...common]
  return [
    `Usage: ${PROGRAM} ${synopsis(command)}`,
    '',
    wrap(sentence(command.summary), ''),
    ...command.details.flatMap((paragraph) => ['', wrap(paragraph, '')]),
    '',
    'Options:',
    columns(options.map((option) => [optionTitle(option), option.summary])),
    '',
    'Examples:',
    ...command.examples.flatMap(({ args, does }) => [`  ${PROGRAM} ${args}`, wrap(does, '      ')]),
    '',
    'Exit status:',
    columns(exitTable(command).map(([status, meaning]) => [String(status), meaning])),
    '',
  ].join('\n')
}
