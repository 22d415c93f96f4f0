import type { Settings } from '../../config/types'
import type { DirectTerms } from '../../model/terms'
import { directTitle, needsPlace } from '../../relays/section'
import { conditionOf, withLimits } from '../../status/relay-condition'
import type { ServerState } from '../../status/server-state'
import type { TermsView } from './view'

/** Is anything of these terms counted? */
function isCounted({ name, port, terms }: DirectTerms): boolean {
  const origin = { kind: 'dns', ...(name === undefined ? {} : { name }) } as const
  return needsPlace({ endpoint: { host: '', port }, origin, terms })
}

/** `[direct]` if anything of it is counted, and each `[direct:NAME]` in file order. */
export function listTerms(
  { direct, directTerms }: Pick<Settings, 'direct' | 'directTerms'>,
  state: ServerState,
): readonly TermsView[] {
  return [direct, ...directTerms].filter(isCounted).map((each) => viewOf(each, state))
}

function viewOf({ name, terms }: DirectTerms, state: ServerState): TermsView {
  const key = directTitle(name)
  const hold = state.kind === 'unknown' || name === undefined ? undefined : state.holds.get(name)
  const view = {
    key,
    ...(name === undefined ? {} : { name }),
    ...(hold === undefined ? {} : { hold }),
  }
  if (state.kind !== 'running') return { ...view, leftOut: [] }
  const servers = new Set(state.servers.filter((report) => report.terms === key).map((report) => report.key))
  return {
    ...view,
    condition: withLimits(conditionOf({ key, name }, state), terms),
    leftOut: [...servers].sort().map((server) => conditionOf({ key: server, terms: key }, state)),
  }
}
