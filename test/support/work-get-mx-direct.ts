import type { MeasuredWork } from './allocations'
import { startGetMxHarness } from './get-mx-harness'

/** `get_mx` for `direct.example`, with all known already. */
export async function start(): Promise<MeasuredWork> {
  const { message, ask, stop } = await startGetMxHarness()
  return { times: 2_000, once: async () => void (await ask(message('direct.example'))), stop }
}
