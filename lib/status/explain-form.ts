import { CONFIGURATION_PATH } from '../files/configuration-source'
import { UsageError } from '../model/errors'
import { BLANK_MESSAGE, type Message } from '../model/message'
import { MESSAGE_ATTRIBUTES, setAttributes } from '../model/message-attributes'
import { stripBrackets } from '../rules/message-spec'
import { makeForecasts } from './forecast/forecast'
import { forecastsText } from './forecast/forecast-text'
import type { Overview, OverviewSource } from './overview'
import type { PageQuery } from './page/query'
import { paint } from './paint'
import { recipientDomain } from './recipient'

/** The message that the form describes. @throws UsageError if a field makes no sense */
function readMessage(fields: PageQuery['explain']): Message {
  const { to, sender } = fields
  const addressed = {
    ...BLANK_MESSAGE,
    domain: recipientDomain(to),
    rcptTo: [stripBrackets(to)],
    mailFrom: stripBrackets(sender),
  }
  return setAttributes(
    addressed,
    (name) => (fields[name] === '' ? undefined : fields[name]),
    (name, text) => {
      const { key, takes } = MESSAGE_ATTRIBUTES[name]
      return new UsageError(`${key} takes ${takes}, not "${text}"`)
    },
  )
}

/** What becomes of the message of the form, as `dns-overrides explain` prints it. Rejects where that cannot be said. */
export async function explainForm(
  fields: PageQuery['explain'],
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
      file: CONFIGURATION_PATH,
      all: false,
      ink: paint(false),
    })
  })
}
