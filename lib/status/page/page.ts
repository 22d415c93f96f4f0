import { createHash } from 'node:crypto'
import type { Steps } from '../../model/steps'
import { packageVersion } from '../../files/package-version'
import type { Warnings } from '../check-warnings'
import type { NoAnswer } from '../bounded-work'
import type { Overview } from '../overview'
import type { QueueView } from '../queue-view'
import type { StoryAnswer } from '../tell-story'
import { formatTime } from '../wording'
import { recentSection } from './recent-section'
import { explainSection } from './explain-section'
import { markup, type Html, raw } from './html'
import type { PageQuery } from './query'
import { relaySection } from './relay-section'
import { ruleSection } from './rule-section'
import { queueSection } from './queue-section'
import { SCRIPT } from './script'
import { decisionSection, dnsSection, stateSection } from './server-sections'
import { storySection } from './story-section'
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
  /** What is said of the message of the form, as the command prints it, or why nothing is; undefined: nothing was asked. */
  readonly explanation: string | NoAnswer | undefined
  /** The story that was asked for; undefined: nothing was asked. */
  readonly storyAnswer: StoryAnswer | undefined
  /** undefined: the queue cannot be read. */
  readonly queue: QueueView | undefined
  /** What check warns of. */
  readonly warnings: Warnings
  /** The name of the machine. */
  readonly host: string
}

const LINKS = [
  ['state', 'State'],
  ['relays', 'Relays'],
  ['decisions', 'Decisions'],
  ['dns', 'DNS'],
  ['queue', 'Queue'],
  ['recent', 'Recent'],
  ['explain', 'Explain'],
  ['story', 'Find a message'],
  ['rules', 'Rules'],
  ['warnings', 'Warnings'],
] as const

/** The whole page, in steps. */
export function* renderPage(content: PageContent): Steps<string> {
  const { overview, query, explanation, storyAnswer, queue, warnings, host } = content
  const sections: Html[] = []
  // What was asked for stands first.
  const story = () => storySection(query, storyAnswer)
  for (const render of [
    () => stateSection(overview),
    ...(storyAnswer === undefined ? [] : [story]),
    () => relaySection(overview, query),
    () => decisionSection(overview),
    () => dnsSection(overview),
    () => queueSection(overview, queue),
    () => recentSection(overview, query),
    () => explainSection(query, explanation),
    ...(storyAnswer === undefined ? [story] : []),
    () => ruleSection(overview, query),
    () => warningSection(warnings),
  ]) {
    const section = render()
    sections.push('markup' in section ? section : yield* section)
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
