import type { MeasuredWork } from './allocations'
import { startMxServer } from './mx-server'

/** The MX records of a name that was never asked for, from a server in the same process. */
export async function start(): Promise<MeasuredWork> {
  const { resolver, stop } = await startMxServer()
  let count = 0
  return {
    times: 2_000,
    once: async () => {
      const answer = await resolver.mx(`name${count++}.example.com`)
      if (answer.kind !== 'mx' || answer.records.length !== 2)
        throw new Error(`not two records: ${answer.kind}`)
    },
    stop,
  }
}
