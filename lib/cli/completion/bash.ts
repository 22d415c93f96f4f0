import { PROGRAM } from '../help'
import { type Completion, shellQuote, subjectName } from './subject'

const FUNCTION = '_dns_overrides'

/** The call that completes a value or an operand; nothing for free text. */
function callFor(subject: Completion['operands'][number] | undefined): string {
  if (subject === undefined) return ':'
  switch (subject.kind) {
    case 'file':
    case 'path':
      return `${FUNCTION}_files -f`
    case 'folder':
      return `${FUNCTION}_files -d`
    case 'relay':
    case 'section':
      return `${FUNCTION}_names ${subject.kind}`
    case 'word':
      return `${FUNCTION}_words ${(subject.words ?? []).map(shellQuote).join(' ')}`
    case 'text':
      return ':'
    default:
      return subject.kind satisfies never
  }
}

function commandCase({ name, options, operands }: Completion): string[] {
  const valued = options.flatMap(({ title, value }) =>
    value === undefined ? [] : [`      ${title.join('|')}) ${callFor(value)}; return ;;`],
  )
  const titles = options.flatMap(({ title }) => title).map(shellQuote)
  return [
    `  ${name})`,
    ...(valued.length === 0 ? [] : ['    case $previous in', ...valued, '    esac']),
    `    if [[ $current == -* ]]; then ${FUNCTION}_words ${titles.join(' ')}; else ${callFor(operands[0])}; fi`,
    '    ;;',
  ]
}

/** The script for bash 4 and later. It needs no other package. */
export function bashScript(commands: readonly Completion[]): string {
  return [
    `# ${subjectName} for bash. To load it: eval "$(${PROGRAM} completion bash)"`,
    `${FUNCTION}_words() {`,
    '  local word',
    '  for word; do [[ $word == "$current"* ]] && COMPREPLY+=("$word"); done',
    '}',
    `${FUNCTION}_files() {`,
    '  compopt -o filenames 2>/dev/null',
    '  mapfile -t COMPREPLY < <(compgen "$1" -- "$current")',
    '}',
    '# The configuration that the line names is asked for the names.',
    `${FUNCTION}_names() {`,
    '  local index names configuration=()',
    '  for ((index = 2; index < COMP_CWORD; index++)); do',
    '    case ${COMP_WORDS[index]} in',
    '      -c|--config)',
    '        [[ ${COMP_WORDS[index + 1]} == = ]] && ((index++))',
    '        configuration=(--config "${COMP_WORDS[index + 1]}") ;;',
    '    esac',
    '  done',
    '  mapfile -t names < <("${COMP_WORDS[0]}" completion --names "$1" "${configuration[@]}" 2>/dev/null)',
    `  ${FUNCTION}_words "\${names[@]}"`,
    '}',
    `${FUNCTION}() {`,
    '  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}',
    '  COMPREPLY=()',
    '  # bash takes --name=value apart into three words.',
    '  if [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi',
    '  if ((COMP_CWORD == 1)); then',
    `    ${FUNCTION}_words ${commands.map(({ name }) => name).join(' ')}`,
    '    return',
    '  fi',
    '  case ${COMP_WORDS[1]} in',
    ...commands.flatMap(commandCase),
    '  esac',
    '}',
    `complete -F ${FUNCTION} ${PROGRAM}`,
    '',
  ].join('\n')
}
