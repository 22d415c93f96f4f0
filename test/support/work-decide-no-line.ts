import type { MeasuredWork } from './allocations'
import { LINES_OF_OTHERS, startDirectDecision } from './direct-decision'

export async function start(): Promise<MeasuredWork> {
  const { decideOnce, stop } = await startDirectDecision(LINES_OF_OTHERS)
  return { times: 20_000, once: decideOnce, stop }
}
