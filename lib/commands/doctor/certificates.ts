import { certificateEnd } from '../../model/relay'
import type { Configuration } from '../../routing/configuration'
import { formatCount } from '../../status/wording'
import { ok, warning, type Finding } from './finding'

/** Do the client certificates of relays end soon? One that has ended is an error of the file. */
export function checkCertificates({ settings }: Configuration, now: number): readonly Finding[] {
  const relays = settings.relays.filter(({ clientCertificate }) => clientCertificate !== undefined)
  const ending = relays.flatMap((relay) => {
    const end = certificateEnd(relay, now)
    return end === undefined ? [] : [{ name: relay.name, day: new Date(end).toISOString().slice(0, 10) }]
  })
  if (relays.length > 0 && ending.length === 0) {
    return [ok(`${formatCount(relays.length, 'client certificate')} of relays, good for more than 14 days`)]
  }
  return ending.map(({ name, day }) =>
    warning(
      `the client certificate of relay ${name} ends on ${day}`,
      'Replace its file before that day. The running server reads it again by itself.',
    ),
  )
}
