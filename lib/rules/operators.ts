/** How a condition compares. The other spellings (`==`, `!=`, `⇐`, `!~`) are read as these. */
export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='
export type Operator = Comparison | '~=' | '~!'

/** Every spelling, longest first so that `<=` is not read as `<`. `⇐` is what VPOP3's own page prints for `<=`. */
const SPELLINGS: readonly (readonly [string, Operator])[] = [
  ['==', '='],
  ['<>', '<>'],
  ['!=', '<>'],
  ['<=', '<='],
  ['>=', '>='],
  ['~=', '~='],
  ['~!', '~!'],
  ['!~', '~!'],
  ['⇐', '<='],
  ['=', '='],
  ['<', '<'],
  ['>', '>'],
]

/** The operators that compare numbers, for messages. */
export const COMPARISONS = '= == <> != < <= > >='
/** Every operator, for messages. */
export const ALL_OPERATORS = `${COMPARISONS} ~= ~!`

/** The operator at the start of a text, and how it is spelt there. */
export function readOperator(text: string): { spelling: string; operator: Operator } | undefined {
  const found = SPELLINGS.find(([spelling]) => text.startsWith(spelling))
  return found === undefined ? undefined : { spelling: found[0], operator: found[1] }
}

/** Does the comparison hold, given how the two sides stand to each other (as a sort function says it)? */
export function compares(operator: Comparison, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '<>':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    default:
      return operator satisfies never
  }
}
