import type { CommandSpec, OptionSpec } from './command-spec'
import { exitTable, optionTitle, PROGRAM, PURPOSE, synopsis, toSentence } from './help'

/** Text as roff reads it: backslashes, hyphens, and a dot or quote at the beginning of a line. */
function escapeRoff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
}

function optionEntry(option: OptionSpec): string[] {
  return ['.TP', `.B ${escapeRoff(optionTitle(option))}`, escapeRoff(option.summary)]
}

function commandSection(command: CommandSpec): string[] {
  return [
    `.SS ${escapeRoff(synopsis(command))}`,
    escapeRoff(toSentence(command.summary)),
    ...command.details.flatMap((paragraph) => ['.PP', escapeRoff(paragraph)]),
    ...command.options.flatMap(optionEntry),
    '.PP',
    'Examples:',
    ...command.examples.flatMap(({ args, purpose }) => [
      '.TP',
      `.B ${escapeRoff(`${PROGRAM} ${args}`)}`,
      escapeRoff(purpose),
    ]),
  ]
}

/**
 * The manual page dns-overrides(1) as roff text for `man -l`, from the same table as the help.
 *
 * @param version the version of the package
 */
export function manualPage(
  table: readonly CommandSpec[],
  common: readonly OptionSpec[],
  version: string,
): string {
  const exits = new Map(table.flatMap((command) => exitTable(command)))
  return [
    `.TH DNS\\-OVERRIDES 1 "" "${escapeRoff(`${PROGRAM} ${version}`)}"`,
    // Command lines must not be stretched to the margin, nor names of settings hyphenated.
    '.ad l',
    '.nh',
    '.SH NAME',
    `${escapeRoff(PROGRAM)} \\- ${escapeRoff(PURPOSE)}`,
    '.SH SYNOPSIS',
    `.B ${escapeRoff(PROGRAM)}`,
    '.I COMMAND ...',
    '.SH COMMANDS',
    ...table.flatMap(commandSection),
    '.SH OPTIONS OF EVERY COMMAND',
    ...common.flatMap(optionEntry),
    '.SH EXIT STATUS',
    ...[...exits]
      .sort((a, b) => a[0] - b[0])
      .flatMap(([status, meaning]) => ['.TP', `.B ${status}`, escapeRoff(meaning)]),
    '',
  ].join('\n')
}
