/**
 * What a message costs from Haraka's call of `get_mx` to its answer and the end of its attempt, when all is known already:
 *
 *     npm run bench -- haraka
 *
 * The hook runs as Haraka runs it, with Haraka's own modules; the log is off (EMERG). Processor time of this process; medians of the
 * rounds, without what it costs to make the message that is asked about.
 */
import { startGetMxHarness, type HarnessDomain } from '../support/get-mx-harness'
import { alternate, costOf, median, print } from './support'

const ROUNDS = 9
const MESSAGES = 5_000

async function main(): Promise<void> {
  const harness = await startGetMxHarness()
  const answersTo = (domain: HarnessDomain, wanted: number) => () =>
    costOf(async () => {
      for (let n = 0; n < MESSAGES; n++) {
        const { length } = await harness.ask(harness.message(domain))
        if (length !== wanted) throw new Error(`${length} exchanges, not ${wanted}`)
      }
    })
  let made = 0
  const results = await alternate(ROUNDS, {
    floor: () =>
      costOf(async () => {
        for (let n = 0; n < MESSAGES; n++) made += (await harness.message('direct.example')).file_size
      }),
    direct: answersTo('direct.example', 4),
    ruled: answersTo('ruled.example', 1),
  })
  if (made === 0) throw new Error('no message was made')
  const each = (costs: readonly { cpu: number }[]) => median(costs.map(({ cpu }) => cpu)) / MESSAGES
  const floor = each(results.floor)
  const row = (what: string, costs: readonly { cpu: number }[], goal: number) => {
    const value = each(costs) - floor
    return { what, value: `${value.toFixed(1)} us`, goal: `below ${goal} us`, met: value < goal }
  }
  print(`get_mx, all known already, 10,000 lines about other domains, ${ROUNDS} rounds of ${MESSAGES}`, [
    row('by MX: 2 hosts, 4 addresses', results.direct, 15),
    row('by a line of the rules', results.ruled, 10),
  ])
  await harness.stop()
}

void main()
