import { markup, multiline, type Html } from './html'

/** What `check` warns of. @param warnings undefined: it was not looked for */
export function warningSection(warnings: string | undefined): Html {
  return markup`<section id="warnings" class="half" aria-labelledby="warnings-title"><h2 id="warnings-title">Warnings of check</h2>
${
  warnings === undefined
    ? markup`<p>The file is long: <code>dns-overrides check</code> looks at it.</p>`
    : warnings === ''
      ? markup`<p>None.</p>`
      : markup`<pre>${multiline(warnings)}</pre>`
}</section>`
}
