import { PROGRAM } from '../help'
import { type Completion, shellQuote, subjectName } from './subject'

const FUNCTION = '_dns-overrides'

/** How `_arguments` completes a value or an operand. */
function actionFor({ kind, words }: Completion['operands'][number]): string {
  switch (kind) {
    case 'file':
    case 'path':
      return '_files'
    case 'folder':
      return '_files -/'
    case 'relay':
    case 'section':
      // With the blank, the words stand as they are: `_arguments` would put some of its own between them.
      return ` ${FUNCTION}-names ${kind}`
    case 'word':
      return `(${(words ?? []).join(' ')})`
    case 'text':
      return '()'
    default:
      return kind satisfies never
  }
}

/** A colon ends a part of a word of `_arguments` and `_describe`. */
const escapeColons = (text: string) => text.replaceAll(':', '\\:')

/** Text inside the brackets of an option of `_arguments`. */
const escapeSummary = (text: string) => text.replace(/[\\[\]]/g, '\\$&')

function optionWords({ title, summary, value }: Completion['options'][number]): string[] {
  const end = `[${escapeSummary(summary)}]${value === undefined ? '' : `:${escapeColons(value.name)}:${actionFor(value)}`}`
  const others = title.length > 1 ? `(${title.join(' ')})` : ''
  return title.map((name) =>
    shellQuote(`${others}${name}${value !== undefined && name.startsWith('--') ? '=' : ''}${end}`),
  )
}

function operandWord(operand: Completion['operands'][number]): string {
  const prefix = operand.repeats === true ? '*' : operand.optional === true ? ':' : ''
  return shellQuote(`${prefix}:${escapeColons(operand.name)}:${actionFor(operand)}`)
}

function commandCase({ name, options, operands }: Completion): string[] {
  const words = [...options.flatMap(optionWords), ...operands.map(operandWord)]
  return [`    ${name})`, '      _arguments \\', `        ${words.join(' \\\n        ')} ;;`]
}

/** The script for zsh, to be sourced, or put as `_dns-overrides` into a folder of `fpath`. */
export function zshScript(commands: readonly Completion[]): string {
  const described = commands.map(({ name, summary }) => shellQuote(`${name}:${escapeColons(summary)}`))
  return [
    `#compdef ${PROGRAM}`,
    `# ${subjectName} for zsh. To load it: source <(${PROGRAM} completion zsh)`,
    '# The configuration that the line names is asked for the names.',
    `${FUNCTION}-names() {`,
    '  local -a names configuration',
    '  local place=${words[(I)(-c|--config)]}',
    '  ((place > 0)) && configuration=(--config "${(Q)words[place + 1]}")',
    '  place=${words[(I)--config=*]}',
    '  ((place > 0)) && configuration=(--config "${(Q)${words[place]#--config=}}")',
    `  names=(\${(f)"$(${PROGRAM} completion --names $1 $configuration 2>/dev/null)"})`,
    '  compadd -a names',
    '}',
    `${FUNCTION}() {`,
    '  local -a commands',
    `  commands=(${described.join(' ')})`,
    '  if ((CURRENT == 2)); then _describe command commands; return; fi',
    '  shift words',
    '  ((CURRENT--))',
    '  case $words[1] in',
    ...commands.flatMap(commandCase),
    '  esac',
    '}',
    `if [[ $funcstack[1] == ${FUNCTION} ]]; then ${FUNCTION} "$@"; else compdef ${FUNCTION} ${PROGRAM}; fi`,
    '',
  ].join('\n')
}
