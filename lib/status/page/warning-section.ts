import { CONFIGURATION_PATH } from '../../files/configuration-source'
import type { Warnings } from '../check-warnings'
import { markup, multiline, type Html } from './html'

/** What `check` warns of. */
export function warningSection(warnings: Warnings): Html {
  return markup`<section id="warnings" data-live aria-labelledby="warnings-title"><h2 id="warnings-title">Warnings of check</h2>
${describe(warnings)}</section>`
}

function describe(warnings: Warnings): Html {
  switch (warnings.kind) {
    case 'found':
      return warnings.texts.length === 0
        ? markup`<p>None.</p>`
        : markup`${warnings.texts.map((text) => markup`<pre>${multiline(text)}</pre>`)}`
    case 'pending':
      return markup`<p>They are being looked for.</p>`
    case 'errors':
      return markup`<p>${CONFIGURATION_PATH} has errors now: run <code>npx dns-overrides check</code>.</p>`
    case 'not looked for':
      return markup`<p>The file is long or cannot be read: <code>npx dns-overrides check</code> looks at it.</p>`
    default:
      return warnings satisfies never
  }
}
