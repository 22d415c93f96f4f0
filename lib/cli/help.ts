import { EXIT } from '../commands/shared/exit-status'
import { wrapText } from '../commands/shared/wrap'
import type { CommandSpec, OptionSpec } from './command-spec'

/** The name under which the program is installed. */
export const PROGRAM = 'dns-overrides'

/** What the program is for, in one phrase. */
export const PURPOSE = 'where Haraka sends a message, and why'

/** What each exit status means, in a few words. */
const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  usage: 'wrong usage',
  noRoute: 'no route: the message would bounce',
  fault: 'failed; the message says why',
  output: 'the output could not be written',
  tempFail: 'not now: the message would be deferred, or a relay cannot be used',
  config: 'the configuration cannot be read or has errors; test: an expectation is not met',
}

/** The exit statuses that every command may end with. */
const ALWAYS = ['ok', 'usage'] as const

/** The longest line: longer ones are hard to read, however wide the terminal is. */
const WIDEST = 100

/** `explain RECIPIENT [options]`. */
export function synopsis(command: CommandSpec): string {
  const operands = command.operands.map(({ name, optional, repeats }) => {
    const word = repeats === true ? `${name}...` : name
    return optional === true ? `[${word}]` : word
  })
  return [command.name, ...operands, '[options]'].join(' ')
}

/** `-h, --help` or `--size N`. */
export function optionTitle({ name, short, value }: OptionSpec): string {
  const letter = short === undefined ? '' : `-${short}, `
  return `${letter}--${name}${value === undefined ? '' : ` ${value.name}`}`
}

/** Status and meaning of each way in which a command may end, in ascending order. */
export function exitTable(command: CommandSpec): readonly (readonly [number, string])[] {
  return [...new Set([...ALWAYS, ...command.exits])]
    .map((name) => [EXIT[name], EXIT_MEANINGS[name]] as const)
    .sort((a, b) => a[0] - b[0])
}

/** Two columns. The right one is wrapped, and keeps its margin. */
function columns(rows: readonly (readonly [string, string])[], width: number): string {
  const left = Math.max(...rows.map(([title]) => title.length))
  const indent = ' '.repeat(left + 4)
  return rows
    .map(([title, text]) => `  ${title.padEnd(left)}  ${wrapText(text, indent, width).trimStart()}`)
    .join('\n')
}

/** `dns-overrides help`, for lines of at most `width` characters. */
export function generalHelp(table: readonly CommandSpec[], width: number): string {
  const narrow = Math.min(width, WIDEST)
  return [
    `${PROGRAM}: ${PURPOSE}`,
    '',
    `Usage: ${PROGRAM} COMMAND ...`,
    '',
    columns(
      table.map(({ name, summary }) => [name, summary]),
      narrow,
    ),
    '',
    wrapText(`For more about a command, with examples: ${PROGRAM} help COMMAND`, '', narrow),
    wrapText(`For all of it as a manual page: ${PROGRAM} help --man | man -l -`, '', narrow),
    '',
  ].join('\n')
}

/** A summary as a sentence. */
export function toSentence(summary: string): string {
  return `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`
}

/** `dns-overrides help COMMAND`, for lines of at most `width` characters. */
export function commandHelp(command: CommandSpec, common: readonly OptionSpec[], width: number): string {
  const narrow = Math.min(width, WIDEST)
  const options = [...command.options, ...common]
  return [
    `Usage: ${PROGRAM} ${synopsis(command)}`,
    '',
    wrapText(toSentence(command.summary), '', narrow),
    ...command.details.flatMap((paragraph) => ['', wrapText(paragraph, '', narrow)]),
    '',
    'Options:',
    columns(
      options.map((option) => [optionTitle(option), option.summary]),
      narrow,
    ),
    '',
    'Examples:',
    ...command.examples.flatMap(({ args, purpose }) => [
      wrapText(purpose, '  # ', narrow),
      `  ${PROGRAM} ${args}`,
    ]),
    '',
    'Exit status:',
    columns(
      exitTable(command).map(([status, meaning]) => [String(status), meaning]),
      narrow,
    ),
    '',
  ].join('\n')
}
