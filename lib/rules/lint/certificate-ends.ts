import { certificateEnd } from '../../model/relay'
import type { LintRule } from './lint-rule'

/** A client certificate that ends within 14 days. */
export const certificateEnds: LintRule = {
  code: 'certificate-ends',
  find: ({ relays, now }) =>
    relays.flatMap((relay) => {
      const end = now === undefined ? undefined : certificateEnd(relay, now)
      const { certificateSpan: span } = relay
      if (end === undefined || span === undefined) return []
      const message = `this certificate ends on ${new Date(end).toISOString().slice(0, 10)}`
      return [{ span, lineKind: 'relay' as const, message, help: { expected: 'a new one before that day' } }]
    }),
}
