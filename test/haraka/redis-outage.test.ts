import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RedisOutage } from '../../lib/haraka/redis-outage'

/** What processes see, `process-` for gone and `process+` for back, and what of it is news. */
function newsOf(events: string): string {
  const outage = new RedisOutage()
  return events
    .split(' ')
    .filter((event) => {
      const process = Number(event.slice(0, -1))
      return event.endsWith('-') ? outage.begin(process) : outage.end(process)
    })
    .join(' ')
}

for (const [name, events, news] of [
  ['the first that loses it and the last that has it back are heard', '1- 0- 2- 0+ 2+ 1+', '1- 1+'],
  ['so it is the next time, in another order', '0- 1- 1+ 0+ 1- 0- 0+ 1+', '0- 0+ 1- 1+'],
  ['a worker that ends, and had lost nothing, is not heard', '0- 5+ 0+', '0- 0+'],
  ['the end of the only one that had lost it is the end', '3- 3+', '3- 3+'],
] as const) {
  test(`an outage of Redis is logged once for all processes: ${name}`, () =>
    assert.equal(newsOf(events), news))
}
