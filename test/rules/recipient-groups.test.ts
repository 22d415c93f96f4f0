import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { knowledgeOf } from '../../lib/rules/message-spec'
import { groupByRoute } from '../../lib/rules/recipient-groups'
import { configure, messageOf, mxAnswer } from '../support/rules'

const KNOWN = knowledgeOf(mxAnswer('10:mx.example.com'))

function group(text: string, recipients: readonly string[], more = {}) {
  const { rules } = configure(text)
  const rcptTo = recipients.map((name) => `${name}@example.com`)
  return groupByRoute(rules, messageOf({ rcptTo, ...more }), KNOWN)
}

describe('recipients are grouped by the route that $rcpt gives them', () => {
  const rows: (readonly [string, string, readonly string[], readonly (readonly number[])[]])[] = [
    ['no line asks for the recipient', '* a.example', ['joe', 'fred'], [[0, 1]]],
    [
      'only a line about another domain does',
      'x.example a.example $rcpt=joe@example.com',
      ['joe', 'fred'],
      [[0, 1]],
    ],
    ['one of three', '* a.example $rcpt=fred@example.com $end', ['joe', 'fred', 'ann'], [[0, 2], [1]]],
    [
      'each by a line of its own',
      '* a.example $rcpt~=j* $end\n* b.example $rcpt~=f* $end',
      ['joe', 'fred', 'ann', 'jim'],
      [[0, 3], [1], [2]],
    ],
    [
      'two lines that lead to the same server',
      '* a.example $rcpt~=j*\n* a.example $rcpt~=f*',
      ['joe', 'fred'],
      [[0, 1]],
    ],
    [
      'another condition of the line fails for all',
      '* a.example $rcpt~=j* $retries>4',
      ['joe', 'fred'],
      [[0, 1]],
    ],
    [
      'the same server at another priority',
      '* b.example\n* a.example $priority:5 $rcpt~=j*\n* a.example',
      ['joe', 'fred'],
      [[0], [1]],
    ],
    [
      'a wait of its own',
      '* a.example $reply<> $again:5m $rcpt~=j*\n* a.example',
      ['joe', 'fred'],
      [[0], [1]],
    ],
    [
      'the same server with TLS from the first byte',
      '* smtps://a.example:2465 $rcpt~=j* $end\n* a.example:2465',
      ['joe', 'fred'],
      [[0], [1]],
    ],
    [
      "the domain's own servers on other terms",
      '[direct:fast]\nport = 2525\n[overrides]\n* @fast $rcpt~=j*',
      ['joe', 'fred'],
      [[0], [1]],
    ],
    [
      'a relay by a line, and the same by [attempts]',
      '[relay:isp]\nhost = a.example\n[attempts]\n* direct=0 relay=3\n[overrides]\n* @isp $rcpt~=j*',
      ['joe', 'fred'],
      [[0], [1]],
    ],
    ['one recipient', '* a.example $rcpt~=j*', ['joe'], [[0]]],
    ['the same address twice', '* a.example $rcpt~=j*', ['joe', 'fred', 'joe'], [[0, 2], [1]]],
  ]
  for (const [title, text, recipients, groups] of rows) {
    it(title, () => assert.deepEqual(group(text, recipients, { reply: '450 later' }), groups))
  }

  it('reports missing knowledge, as a decision does', () => {
    const { rules } = configure('* $direct $rcpt~=j*\n* a.example')
    const message = messageOf({ rcptTo: ['joe@example.com', 'fred@example.com'] })
    assert.equal(groupByRoute(rules, message, {}), 'mx')
  })

  it('puts each of 50 recipients into one group', () => {
    const names = Array.from({ length: 50 }, (_, index) => `user${index}`)
    const groups = group('* a.example $rcpt~=user?@* $end\n* b.example $rcpt~=*7@*', names)
    assert.deepEqual(
      groups.flat().toSorted((a, b) => a - b),
      [...names.keys()],
    )
    assert.deepEqual(
      groups.map(({ length }) => length),
      [10, 36, 4],
    )
  })
})
