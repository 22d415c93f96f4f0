import assert from 'node:assert/strict'
import { it } from 'node:test'
import { servicePort } from '../../lib/model/service'

it('knows the names of mail ports, and no property that every object has', () => {
  assert.deepEqual(['smtp', 'Submission', 'smtps', 'lmtp', 'http', 'constructor', ''].map(servicePort), [
    25,
    587,
    465,
    24,
    undefined,
    undefined,
    undefined,
  ])
})
