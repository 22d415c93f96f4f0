import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BLANK_MESSAGE, type Message } from '../../lib/model/message'
import {
  ATTRIBUTE_NAMES,
  formatAttribute,
  MESSAGE_ATTRIBUTES,
  setAttribute,
  setAttributes,
} from '../../lib/model/message-attributes'
import { readMessage, splitWords } from '../../lib/rules/message-spec'
import { EXPLAIN_FIELDS, readQuery } from '../../lib/status/page/query'

const BLANK: Message = { ...BLANK_MESSAGE, domain: 'example.com' }
const MESSAGE: Message = {
  ...BLANK,
  retries: 4,
  size: 10_485_760,
  authSender: 'fred smith',
  ageMs: 14_400_000,
  reply: '550 5.7.1 not you',
  failed: 'rcpt',
}

describe('attributes of a message', () => {
  it('are the same after writing and reading', () => {
    const words = ATTRIBUTE_NAMES.map((name) => formatAttribute(MESSAGE, name))
    assert.deepEqual(words.slice(0, 2), ['retries=4', 'size=10485760'])
    const text = words.map((word) => word.replace('fred smith', '"fred smith"')).join(' ')
    const read = readMessage('<>', 'a@example.com', splitWords(text))
    assert.ok(!('word' in read), 'every word is read')
    assert.deepEqual({ ...read.message, rcptTo: [] }, MESSAGE)
  })

  it('keep their values if nothing is written', () => {
    const complain = () => new Error('not asked for')
    assert.deepEqual(
      setAttributes(MESSAGE, () => undefined, complain),
      MESSAGE,
    )
  })

  for (const [name, text] of [
    ['retries', '-1'],
    ['size', '10X'],
    ['ageMs', 'soon'],
    ['failed', 'never'],
  ] as const) {
    it(`${MESSAGE_ATTRIBUTES[name].key}=${text} cannot be read`, () => {
      assert.equal(setAttribute(BLANK, name, text), undefined)
      assert.throws(
        () =>
          setAttributes(
            BLANK,
            (each) => (each === name ? text : undefined),
            (each, bad) => new Error(`${each} ${bad}`),
          ),
        { message: `${name} ${text}` },
      )
    })
  }

  it('each have a field in the form of the status page', () => {
    const query = new URLSearchParams({ to: 'a@example.com', sender: '<>' })
    for (const name of ATTRIBUTE_NAMES) query.set(MESSAGE_ATTRIBUTES[name].key, `the ${name}`)
    const { explain } = readQuery(query)
    assert.deepEqual(
      EXPLAIN_FIELDS.map(({ field }) => explain[field]),
      ['a@example.com', '<>', ...ATTRIBUTE_NAMES.map((name) => `the ${name}`)],
    )
  })
})
