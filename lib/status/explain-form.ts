import { setTimeout as sleep } from 'node:timers/promises'
import { UsageError } from '../model/errors'
import type { Exchange } from '../model/exchange'
import { BLANK_MESSAGE, type Message } from '../model/message'
import { parseSize } from '../model/size'
import { parseRetries, stripBrackets } from '../rules/message-spec'
import { findEffect, usabilityNow } from './effect'
import { explainMessage } from './explanation'
import { explanationText } from './explanation-text'
import type { Overview, OverviewSource } from './overview'
import type { ExplainField } from './page/query'
import { paint } from './paint'
import { recipientDomain } from './recipient'

/** The longest wait for DNS. */
const PATIENCE_MS = 5_000
/** Explanations at once: what strangers ask for must not fill the resolver's queue. */
const MOST_AT_ONCE = 4

/** The message that the form describes. @throws UsageError if a field makes no sense */
function readMessage({ to, sender, auth, size, retries }: Readonly<Record<ExplainField, string>>): Message {
  const bytes = size === '' ? 0 : parseSize(size)
  const attempts = retries === '' ? 0 : parseRetries(retries)
  if (bytes === undefined) throw new UsageError(`"${size}" is not a size, such as 5000 or 10M`)
  if (attempts === undefined) throw new UsageError(`"${retries}" is not a number of attempts`)
  return {
    ...BLANK_MESSAGE,
    domain: recipientDomain(to),
    rcptTo: [stripBrackets(to)],
    mailFrom: stripBrackets(sender),
    authSender: auth,
    size: bytes,
    retries: attempts,
  }
}

/** Explains the message of the form. */
export class ExplainForm {
  readonly #source: Pick<OverviewSource, 'withLookup'>
  #running = 0

  constructor(source: Pick<OverviewSource, 'withLookup'>) {
    this.#source = source
  }

  /** As `dns-overrides explain` prints it, or why that cannot be said. Never rejects, and answers within 5 s. */
  async answer(fields: Readonly<Record<ExplainField, string>>, overview: Overview): Promise<string> {
    if (this.#running >= MOST_AT_ONCE) return 'Others are being explained: ask again'
    this.#running++
    const stop = new AbortController()
    const work = this.#explain(fields, overview)
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
      .finally(() => this.#running--)
    const late = sleep(PATIENCE_MS, `No answer within ${PATIENCE_MS / 1000} s: DNS is slow`, {
      signal: stop.signal,
      ref: false,
    }).catch(() => '')
    try {
      return await Promise.race([work, late])
    } finally {
      stop.abort()
    }
  }

  async #explain(fields: Readonly<Record<ExplainField, string>>, { server }: Overview): Promise<string> {
    const message = readMessage(fields)
    return this.#source.withLookup(async (configuration, lookup) => {
      const running = server.kind === 'running' ? server : undefined
      const usable = running && ((relay: Exchange) => usabilityNow(relay, running) === 'usable')
      const explanation = await explainMessage(configuration, message, lookup, usable)
      return explanationText(explanation, {
        title: fields.to,
        rules: configuration.rules,
        file: 'config/dns_overrides.ini',
        all: false,
        effect: running && findEffect(explanation.decision, running),
        ink: paint(false),
      })
    })
  }
}
