import type { WaitReason } from '../facts'
import { markup, type Html, type HtmlValue } from './html'

/** One column. */
export interface Column {
  readonly title: string
  /** What stands in it; `brief`: one or two words, on one line; `address` of mail and `name`, which need some room. */
  readonly kind?: 'number' | 'brief' | 'address' | 'name' | 'text'
}

/** One row: a cell for each column, and a class that says how it stands. */
export interface Row {
  readonly cells: readonly HtmlValue[]
  readonly tone?: Tone
}

/** How a state is coloured; `held` by hand, `wait`: for a limit or the like. It is always said in words too. */
export type Tone = 'good' | 'warn' | 'bad' | 'held' | 'wait'

/** @param why an attempt is not counted */
export const toneOfWait = (why: WaitReason): Tone => (why === 'held' ? 'held' : 'wait')

/** A word that says how something stands, in its colour. */
export const badge = (text: string, tone: Tone): Html => markup`<span class="badge ${tone}">${text}</span>`

/**
 * A table. On a small screen each row is a list of its cells with their titles: the roles keep it a table for screen readers, which
 * `display: block` would take away.
 */
export function table(caption: string, columns: readonly Column[], rows: readonly Row[]): Html {
  const heads = columns.map(
    ({ title, kind = 'text' }) => markup`<th role="columnheader" scope="col" class="${kind}">${title}</th>`,
  )
  const body = rows.map(({ cells, tone }) => {
    const items = cells.map((cell, index) => {
      const { title = '', kind = 'text' } = columns[index] ?? {}
      return markup`<td role="cell" data-title="${title}" class="${kind}"><span>${cell}</span></td>`
    })
    return markup`<tr role="row" class="${tone ?? 'plain'}">${items}</tr>`
  })
  return markup`<table role="table"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${heads}</tr></thead>
<tbody role="rowgroup">${body}</tbody></table>`
}
