import escapeHtml from 'escape-html'
import { toPrintable } from '../../model/printable'

/** Markup that may stand in a page as it is. Only {@link markup} makes it. */
export interface Html {
  readonly markup: string
}

/** What may stand in a template: text is escaped, and nothing is left out but `undefined`. */
export type HtmlValue = string | number | Html | readonly Html[] | undefined

const isHtml = (value: object): value is Html => 'markup' in value

function toMarkup(value: HtmlValue): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return escapeHtml(toPrintable(value))
  return isHtml(value) ? value.markup : value.map((each) => each.markup).join('')
}

/**
 * A template of markup. Text between its parts is made printable and escaped (escape-html: `& < > " '`), so that it can only stand
 * between tags and in quoted attributes.
 *
 * @example markup`<td title="${'"'}">${'<b>'}</td>`.markup === '<td title="&quot;">&lt;b&gt;</td>'
 */
export function markup(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const text = parts.reduce(
    (before, part, index) => `${before}${index === 0 ? '' : toMarkup(values[index - 1])}${part}`,
    '',
  )
  return { markup: text }
}

/** Text of several lines, whose line breaks stay. */
export function multiline(text: string): Html {
  return {
    markup: text
      .split('\n')
      .map((line) => toMarkup(line))
      .join('\n'),
  }
}

/** Our own style or script, which goes into the page as it is. */
export const raw = (source: string): Html => ({ markup: source })
