import { BLANK_MESSAGE } from '../../lib/model/message'
import { decide } from '../../lib/rules/decide'
import { knowledgeOf } from '../../lib/rules/message-spec'
import type { MeasuredWork } from './allocations'
import { configure } from './rules'

/** A decision among 10,000 lines about other domains, with two lines that match and MX records that are known. */
export function start(): MeasuredWork {
  const others = Array.from({ length: 10_000 }, (_, n) => `other${n}.example 192.0.2.1`)
  const { rules } = configure(
    [...others, 'example.com r1.example.net $retries>=1', '*.com r2.example.net $size>1K $end'].join('\n'),
  )
  const known = knowledgeOf({
    kind: 'mx',
    records: [{ priority: 10, exchange: 'mx1.example.com' }],
    how: 'cached',
    server: '192.0.2.53:53',
    ttlSeconds: 60,
  })
  const message = {
    ...BLANK_MESSAGE,
    domain: 'example.com',
    mailFrom: 'fred@example.net',
    size: 4000,
    retries: 1,
  }
  return {
    times: 20_000,
    once() {
      if (decide(rules, message, known).matched.length !== 2) throw new Error('another decision')
    },
  }
}
