import { formatCount } from '../wording'
import { markup, type Html } from './html'

/** Which part of a long list is shown. */
export interface PagePart {
  /** The first that is shown, from 0. */
  readonly start: number
  /** How many a page has. */
  readonly size: number
  /** How many there are. */
  readonly of: number
}

/** @param from the first that is asked for; beyond the end it is the last */
export const pagePartOf = (from: number, size: number, of: number): PagePart => ({
  start: Math.min(from, Math.max(0, of - 1)),
  size,
  of,
})

/** `101 to 200 of 1234 lines`. */
export function describePagePart({ start, size, of }: PagePart, noun: string): string {
  return of === 0 ? `No ${noun}` : `${start + 1} to ${Math.min(start + size, of)} of ${formatCount(of, noun)}`
}

/** Links to the page before and the page after, where there are such. @param linkTo the address of the page that begins there */
export function pageLinks({ start, size, of }: PagePart, linkTo: (start: number) => string): readonly Html[] {
  return [
    ...(start > 0 ? [markup`<li><a href="${linkTo(Math.max(0, start - size))}">Previous page</a></li>`] : []),
    ...(start + size < of ? [markup`<li><a href="${linkTo(start + size)}">Next page</a></li>`] : []),
  ]
}
