import { createHash } from 'node:crypto'
import type { Steps } from '../../model/steps'
import { packageVersion } from '../../files/package-version'
import type { Warnings } from '../check-warnings'
import type { Overview } from '../overview'
import { formatTime } from '../wording'
import { attemptSection, storySection } from './attempt-section'
import { explainSection } from './explain-section'
import { markup, type Html, raw } from './html'
import type { PageQuery } from './query'
import { relaySection } from './relay-section'
import { ruleSection } from './rule-section'
import { SCRIPT } from './script'
import { decisionSection, dnsSection, queueSection, stateSection } from './server-sections'
import { STYLE } from './style'
import { warningSection } from './warning-section'

const hashOf = (source: string) => `'sha256-${createHash('sha256').update(source).digest('base64')}'`

/** Only our own style and script, by their hashes; the script may fetch the page, the form may ask it. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** What the page shows. */
export interface PageContent {
  readonly overview: Overview
  readonly query: PageQuery
  /** What is said of the message of the form, as the command prints it; undefined: nothing was asked. */
  readonly explanation: string | undefined
  /** What check warns of. */
  readonly warnings: Warnings
  /** The name of the machine. */
  readonly host: string
}

const LINKS = [
  ['state', 'State'],
  ['relays', 'Relays'],
  ['rules', 'Rules'],
  ['decisions', 'Decisions'],
  ['recent', 'Recent'],
  ['dns', 'DNS'],
  ['queue', 'Queue'],
  ['explain', 'Explain'],
] as const

/** The whole page, a section a step. */
export function* renderPage(content: PageContent): Steps<string> {
  const { overview, query, explanation, warnings, host } = content
  const sections: Html[] = []
  for (const render of [
    () => stateSection(overview),
    () => (query.id === undefined ? nothing : storySection(overview, query.id)),
    () => relaySection(overview, query),
    () => decisionSection(overview),
    () => queueSection(overview),
    () => explainSection(query, explanation),
    () => attemptSection(overview),
    () => ruleSection(overview, query),
    () => dnsSection(overview),
    () => warningSection(warnings),
  ]) {
    sections.push(render())
    yield
  }
  return markup`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>dns-overrides on ${host}</title><style>${raw(STYLE)}</style></head>
<body><a class="skip" href="#state">To the content</a>
<header><h1>dns-overrides</h1><span>${host}</span><span class="faint">version ${packageVersion()}, ${formatTime(overview.now)}</span>
<button id="refresh" type="button" aria-pressed="false" hidden>Stop refreshing</button></header>
<nav aria-label="Sections"><ul>${LINKS.map(([id, title]) => markup`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main>
${sections}
</main>
<footer>Read only. <a href="metrics">Metrics</a>, <a href="health">health</a>.</footer>
<script>${raw(SCRIPT)}</script></body></html>
`.markup
}

const nothing = markup``
