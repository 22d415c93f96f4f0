import { exitTable, optionTitle, PROGRAM, sentence, synopsis } from './help'
import type { CommandSpec, OptionSpec } from '../commands/shared/types'

/** Text as roff takes it: backslashes, hyphens, and a dot or quote that begins a line. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
}

function commandSection(command: CommandSpec): string[] {
  return [
    `.SS ${roff(synopsis(command))}`,
    roff(sentence(command.summary)),
    ...command.details.flatMap((paragraph) => ['.PP', roff(paragraph)]),
    ...command.options.flatMap((option) => ['.TP', `.B ${roff(optionTitle(option))}`, roff(option.summary)]),
    '.PP',
    'Examples:',
    ...command.examples.flatMap(({ args, does }) => ['.TP', `.B ${roff(`${PROGRAM} ${args}`)}`, roff(does)]),
  ]
}

/** The manual page dns-overrides(1), made of the same table as the help, for `man -l`. */
export function manualPage(
  table: readonly CommandSpec[],
  common: readonly OptionSpec[],
  version: string,
): string {
  const exits = new Map(table.flatMap((command) => exitTable(command)))
  return [
    `.TH DNS\\-OVERRIDES 1 "" "${roff(`${PROGRAM} ${version}`)}"`,
    // Neither are commands stretched to the margin nor names of settings broken.
    '.ad l',
    '.nh',
    '.SH NAME',
    `${roff(PROGRAM)} \\- which server a message goes to, and why`,
    '.SH SYNOPSIS',
    `.B ${roff(PROGRAM)}`,
    '.I COMMAND ...',
    '.SH COMMANDS',
    ...table.flatMap(commandSection),
    '.SH OPTIONS OF EVERY COMMAND',
    ...common.flatMap((option) => ['.TP', `.B ${roff(optionTitle(option))}`, roff(option.summary)]),
    '.SH EXIT STATUS',
    ...[...exits]
      .sort((a, b) => a[0] - b[0])
      .flatMap(([status, meaning]) => ['.TP', `.B ${status}`, roff(meaning)]),
    '',
  ].join('\n')
}
