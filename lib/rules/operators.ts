/** How a condition compares. The other spellings (`==`, `!=`, `⇐`, `!~`) are read as these. */
export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>='
export type Operator = Comparison | '~=' | '~!'

/** An operator and one way to write it. */
export interface SpeltOperator {
  readonly spelling: string
  readonly operator: Operator
}

/** Every spelling, longest first so that `<=` is not read as `<`. `⇐` is what VPOP3's own page prints for `<=`. */
const SPELLINGS: readonly SpeltOperator[] = [
  { spelling: '==', operator: '=' },
  { spelling: '<>', operator: '<>' },
  { spelling: '!=', operator: '<>' },
  { spelling: '<=', operator: '<=' },
  { spelling: '>=', operator: '>=' },
  { spelling: '~=', operator: '~=' },
  { spelling: '~!', operator: '~!' },
  { spelling: '!~', operator: '~!' },
  { spelling: '⇐', operator: '<=' },
  { spelling: '=', operator: '=' },
  { spelling: '<', operator: '<' },
  { spelling: '>', operator: '>' },
]

/** The operators that compare numbers, for messages. */
export const COMPARISONS = '= == <> != < <= > >='
/** Every operator, for messages. */
export const ALL_OPERATORS = `${COMPARISONS} ~= ~!`

/** The operator at the start of a text, and how it is spelt there. */
export function readOperator(text: string): SpeltOperator | undefined {
  return SPELLINGS.find(({ spelling }) => text.startsWith(spelling))
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
