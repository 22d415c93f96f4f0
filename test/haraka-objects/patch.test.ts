import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { patch, replaceNextCall } from '../../lib/haraka-objects/patch'
import { loadHaraka } from '../support/haraka-modules'

const haraka = loadHaraka()
after(() => haraka.close())

const makeGreeter = () =>
  Object.create({ greet: (name: string) => `hello ${name}` }) as { greet(name: string): string }

describe('a patch', () => {
  it('stands in front of an inherited method, and leaves nothing when it is removed', () => {
    const greeter = makeGreeter()
    const undo = patch(greeter, 'greet', (inner) => (name) => inner(name).toUpperCase())
    assert.equal(greeter.greet('ann'), 'HELLO ANN')
    undo()
    assert.equal(greeter.greet('ann'), 'hello ann')
    assert.deepEqual(Object.getOwnPropertyNames(greeter), [])
  })

  it('stays if another was put in front of it', () => {
    const greeter = makeGreeter()
    const undo = patch(greeter, 'greet', (inner) => (name) => `${inner(name)}!`)
    patch(greeter, 'greet', (inner) => (name) => inner(name).toUpperCase())
    undo()
    assert.equal(greeter.greet('ann'), 'HELLO ANN!')
  })
})

describe('replaceNextCall', () => {
  for (const method of ['bounce', 'temp_fail', 'found_mx'] as const) {
    it(`replaces one call of ${method} of a message of Haraka`, async () => {
      const address = { original: '<a@d.example>', original_host: 'd.example', host: 'd.example', user: 'a' }
      const todo = { queue_time: 0, domain: 'd.example', rcpt_to: [address], mail_from: address, notes: {} }
      const hmail = await haraka.queued(todo, 'Subject: test\r\n\r\nHello\r\n')
      const calls: unknown[] = []
      Object.defineProperty(hmail, method, {
        configurable: true,
        writable: true,
        value: (first: unknown) => calls.push(first),
      })
      replaceNextCall(hmail, method, (_inner, first) => calls.push(['replaced', first]))
      hmail[method]([])
      hmail[method]([])
      assert.deepEqual(calls, [['replaced', []], []])
    })
  }
})
