/** Which lines of the rules are shown. */
export type LineOrder = 'file' | 'busiest' | 'never'

/** What a request asks of the page. Every text is a stranger's. */
export interface PageQuery {
  readonly order: LineOrder
  /** The place of the first line that is shown, from 0. */
  readonly from: number
  /** The place of the first relay that is shown, from 0. */
  readonly fromRelay: number
  /** The message whose story is shown. */
  readonly id: string | undefined
  /** The fields of the form; `to` is empty if nothing is to be explained. */
  readonly explain: Readonly<Record<ExplainField, string>>
}

export const EXPLAIN_FIELDS = ['to', 'sender', 'auth', 'size', 'retries'] as const
export type ExplainField = (typeof EXPLAIN_FIELDS)[number]

/** The most characters of a field. */
const LONGEST = 320

/** Reads the query of a URL; what makes no sense counts as absent. */
export function readQuery(parameters: URLSearchParams): PageQuery {
  const text = (name: string) => (parameters.get(name) ?? '').slice(0, LONGEST).trim()
  const order = text('lines')
  const place = (name: string) => {
    const number = Number(text(name))
    return Number.isSafeInteger(number) && number > 0 ? number : 0
  }
  const id = text('id')
  return {
    order: order === 'busiest' || order === 'never' ? order : 'file',
    from: place('from'),
    fromRelay: place('relay'),
    id: id === '' ? undefined : id,
    explain: Object.fromEntries(EXPLAIN_FIELDS.map((name) => [name, text(name)])) as Record<
      ExplainField,
      string
    >,
  }
}

/** The same page with another query. */
export function linkTo(parameters: Readonly<Record<string, string | number>>, anchor: string): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value))
  return `?${query.toString()}#${anchor}`
}
