import { PROGRAM } from '../help'
import { type Completion, subjectName } from './subject'

/** In fish, only a backslash and a quote mean something inside single quotes. */
const quote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`

/** What `complete` is given for a value or an operand. */
function flagsFor({ kind, words }: Completion['operands'][number]): string {
  switch (kind) {
    case 'file':
    case 'path':
      return '-F'
    case 'folder':
      return "-a '(__fish_complete_directories)'"
    case 'relay':
    case 'section':
      return `-a '(__dns_overrides_names ${kind})'`
    case 'word':
      return `-a ${quote((words ?? []).join(' '))}`
    case 'text':
      return ''
    default:
      return kind satisfies never
  }
}

function commandLines({ name, options, operands }: Completion): string[] {
  const start = `complete -c ${PROGRAM} -n '__fish_seen_subcommand_from ${name}'`
  const [operand] = operands
  return [
    ...options.map(({ title, summary, value }) => {
      const names = title.map((word) =>
        word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`,
      )
      const taken = value === undefined ? [] : ['-r', flagsFor(value)]
      return [start, ...names, ...taken, '-d', quote(summary)].filter((word) => word !== '').join(' ')
    }),
    ...(operand === undefined || operand.kind === 'text' ? [] : [`${start} ${flagsFor(operand)}`]),
  ]
}

/** The script for fish, to be sourced, or put as `dns-overrides.fish` into a folder of completions. */
export function fishScript(commands: readonly Completion[]): string {
  return [
    `# ${subjectName} for fish. To load it: ${PROGRAM} completion fish | source`,
    '# The configuration that the line names is asked for the names.',
    'function __dns_overrides_names',
    '    set -l words (commandline -opc)',
    '    set -l configuration',
    '    for index in (seq 2 (count $words))',
    '        switch $words[$index]',
    '            case -c --config',
    '                set configuration --config $words[(math $index + 1)]',
    "            case '--config=*'",
    '                set configuration $words[$index]',
    '        end',
    '    end',
    `    ${PROGRAM} completion --names $argv[1] $configuration 2>/dev/null`,
    'end',
    `complete -c ${PROGRAM} -f`,
    ...commands.map(
      ({ name, summary }) =>
        `complete -c ${PROGRAM} -n __fish_use_subcommand -a ${name} -d ${quote(summary)}`,
    ),
    ...commands.flatMap(commandLines),
    '',
  ].join('\n')
}
