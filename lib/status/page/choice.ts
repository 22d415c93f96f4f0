import { markup, type Html } from './html'

/** What can be chosen: its value in the query, and how it is called. */
export type Option = readonly [value: string, title: string]

/** A field of a form of which one of several values is chosen. */
export function choice(title: string, name: string, options: readonly Option[], chosen = ''): Html {
  const items = options.map(([value, text]) =>
    value === chosen
      ? markup`<option value="${value}" selected>${text}</option>`
      : markup`<option value="${value}">${text}</option>`,
  )
  return markup`<label>${title}<select name="${name}">${items}</select></label>`
}
