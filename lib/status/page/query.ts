import { ATTRIBUTE_NAMES, MESSAGE_ATTRIBUTES, type AttributeName } from '../../model/message-attributes'
import { LONGEST_REPLY } from '../../model/reply'
import { readRecentFilter, type RecentFilter } from './recent-filter'

/** Which lines of the rules are shown. */
export type LineOrder = 'file' | 'busiest' | 'never'

/** What a request asks of the page. Every text is a stranger's. */
export interface PageQuery {
  readonly order: LineOrder
  /** The place of the first line that is shown, from 0. */
  readonly from: number
  /** The place of the first relay that is shown, from 0. */
  readonly fromRelay: number
  /** Which of the last decisions are shown, and from which place on, from 0. */
  readonly recent: RecentFilter
  readonly fromRecent: number
  /** The message whose story is shown. */
  readonly id: string | undefined
  /** The fields of the form; `to` is empty if nothing is to be explained. */
  readonly explain: Readonly<Record<ExplainField, string>>
}

/** A field of the form that explains a message. */
export type ExplainField = 'to' | 'sender' | AttributeName

/** The fields in their order, each with its name in the query. */
export const EXPLAIN_FIELDS: readonly { readonly field: ExplainField; readonly parameter: string }[] = [
  { field: 'to', parameter: 'to' },
  { field: 'sender', parameter: 'sender' },
  ...ATTRIBUTE_NAMES.map((field) => ({ field, parameter: MESSAGE_ATTRIBUTES[field].key })),
]

/** The most characters of a field. */
export const LONGEST_FIELD = LONGEST_REPLY
/** Of a domain. RFC 1035 section 2.3.4. */
export const LONGEST_DOMAIN = 255

/** Reads the query of a URL; what makes no sense counts as absent. */
export function readQuery(parameters: URLSearchParams): PageQuery {
  const text = (name: string) => (parameters.get(name) ?? '').slice(0, LONGEST_FIELD).trim()
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
    recent: readRecentFilter((name) => text(name).slice(0, LONGEST_DOMAIN)),
    fromRecent: place('decision'),
    id: id === '' ? undefined : id,
    explain: Object.fromEntries(
      EXPLAIN_FIELDS.map(({ field, parameter }) => [field, text(parameter)]),
    ) as PageQuery['explain'],
  }
}

/** The same page with another query. */
export function linkTo(parameters: Readonly<Record<string, string | number>>, anchor: string): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) query.set(name, String(value))
  return `?${query.toString()}#${anchor}`
}
