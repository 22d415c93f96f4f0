import type { MxAnswer } from '../../model/dns-answer'
import { ownEndpointTest } from '../../routing/own-server'
import { makeForecasts, type Forecast, type ForecastQuestion } from '../../status/forecast/forecast'
import type { ServerState } from '../../status/server-state'
import type { Location } from '../shared/location'
import { openLookup, useGivenMx } from '../shared/lookup'
import { readOutboundSettings, readOwnServer } from '../shared/require-configuration'
import type { Terminal } from '../shared/terminal'

/** A message to explain, and the configuration that decides about it. */
export interface ExplainRequest extends ForecastQuestion {
  /** Undefined: DNS is asked. */
  readonly mx: MxAnswer | undefined
  readonly location: Location
}

/** What else the answer depends on. */
export interface ExplainOptions {
  /** Undefined: the running server is not asked. */
  readonly state: ServerState | undefined
  readonly hasTimeline: boolean
}

/** What becomes of the message, or of the messages into which it would be divided. */
export async function answerRequest(
  request: ExplainRequest,
  { state, hasTimeline }: ExplainOptions,
  { err, now }: Pick<Terminal, 'err' | 'now'>,
): Promise<readonly Forecast[]> {
  const { configuration, location, mx } = request
  const outbound = readOutboundSettings(location)
  const lookup =
    mx === undefined
      ? openLookup(configuration, outbound, (message) => err(`${message}\n`))
      : useGivenMx(() => mx)
  try {
    return await makeForecasts(request, {
      lookup,
      server: state,
      isOwn: ownEndpointTest(readOwnServer(location.configFolder) ?? { listens: [], addresses: [] }),
      intervals: hasTimeline ? outbound.retryIntervalsSeconds : undefined,
      now: now(),
    })
  } finally {
    lookup.close()
  }
}
