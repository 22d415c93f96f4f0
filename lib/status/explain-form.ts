import { UsageError } from '../model/errors'
import { BLANK_MESSAGE, type Message } from '../model/message'
import { parseSize } from '../model/size'
import { parseRetries, stripBrackets } from '../rules/message-spec'
import { makeForecasts } from './forecast/forecast'
import { forecastsText } from './forecast/forecast-text'
import type { Overview, OverviewSource } from './overview'
import type { ExplainField } from './page/query'
import { paint } from './paint'
import { recipientDomain } from './recipient'

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

/** What becomes of the message of the form, as `dns-overrides explain` prints it. Rejects where that cannot be said. */
export async function explainForm(
  fields: Readonly<Record<ExplainField, string>>,
  { server, now }: Overview,
  { withLookup, isOwn }: Pick<OverviewSource, 'withLookup' | 'isOwn'>,
): Promise<string> {
  const message = readMessage(fields)
  return withLookup(async (configuration, lookup) => {
    const question = { message, queued: undefined, configuration }
    const forecasts = await makeForecasts(question, { lookup, server, isOwn, intervals: undefined, now })
    return forecastsText(forecasts, {
      title: fields.to,
      rules: configuration.rules,
      file: 'config/dns_overrides.ini',
      all: false,
      ink: paint(false),
    })
  })
}
