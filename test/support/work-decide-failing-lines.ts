import type { MeasuredWork } from './allocations'
import { FAILING_LINES, startDirectDecision } from './direct-decision'

export async function start(): Promise<MeasuredWork> {
  const { decideOnce, stop } = await startDirectDecision(FAILING_LINES)
  return { times: 20_000, once: decideOnce, stop }
}
