import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { lint, LINT_RULES } from '../../lib/rules/lint'
import type { Message } from '../../lib/model/message'
import { configure, decideBy, hosts } from '../support/rules'
import { INTERVALS, warnings } from '../support/lint-warnings'

interface Case {
  readonly name: string
  readonly text: string
  readonly warns: readonly string[]
  /** A message for which it matters, and its exchanges. */
  readonly message?: Partial<Message>
  readonly mx?: string
  readonly goes?: readonly string[]
  readonly fileMode?: number
}

const isp = '[relay:isp]\nhost = relay.example\n'

const CASES: readonly Case[] = [
  {
    name: 'a line after a wider one with $end',
    text: '*.example a.test $end\nx.example b.test',
    warns: [
      '2:1 unreachable no message can reach this line: line 1 matches whatever it would, and ends with $end',
    ],
    message: { domain: 'x.example' },
    goes: ['10 a.test:25'],
  },
  {
    name: 'a line after one whose conditions it fulfils in other words',
    text: '* a.test $retries>1 $from~=*@corp.example $end\n* b.test $retries>=3 $from=boss@corp.example',
    warns: [
      '2:1 unreachable no message can reach this line: line 1 matches whatever it would, and ends with $end',
    ],
    message: { retries: 3, mailFrom: 'boss@corp.example' },
    goes: ['10 a.test:25'],
  },
  {
    name: 'two conditions that exclude each other',
    text: 'x.example a.test $retries<2 $retries>5',
    warns: [
      '1:29 contradiction $retries<2 and $retries>5 never hold together, so no message can match this line',
    ],
    message: { domain: 'x.example', retries: 3 },
    goes: ['0 x.example:25'],
  },
  {
    name: 'two senders at once',
    text: '* a.test $from=a@corp.example $from=b@corp.example',
    warns: [
      '1:31 contradiction $from=a@corp.example and $from=b@corp.example never hold together, so no message can match this line',
    ],
    message: { mailFrom: 'b@corp.example' },
    goes: ['0 example.com:25'],
  },
  {
    name: 'an equal text and a wildcard that it does not match',
    text: '* a.test $authsender=fred $authsender~=j*',
    warns: [
      '1:27 contradiction $authsender=fred and $authsender~=j* never hold together, so no message can match this line',
    ],
    message: { authSender: 'joe' },
    goes: ['0 example.com:25'],
  },
  {
    name: 'an MX that matches and does not',
    text: '* a.test $dnsmx:*.google.com $dnsmx:!*.GOOGLE.com',
    warns: [
      '1:30 contradiction $dnsmx:*.google.com and $dnsmx:!*.GOOGLE.com never hold together, so no message can match this line',
    ],
    message: {},
    mx: '10:mx.google.com',
    goes: ['10 mx.google.com:25'],
  },
  {
    name: 'a reply before the first attempt',
    text: '* a.test $retries<1 $reply~=*spam*',
    warns: [
      '1:21 contradiction $retries<1 and $reply~=*spam* never hold together, so no message can match this line',
    ],
    message: { retries: 1, reply: '550 spam' },
    goes: ['0 example.com:25'],
  },
  {
    name: 'a failure before the first attempt',
    text: '* a.test $failed=rcpt $retries=0',
    warns: [
      '1:23 contradiction $failed=rcpt and $retries=0 never hold together, so no message can match this line',
    ],
    message: { retries: 1, failed: 'rcpt' },
    goes: ['0 example.com:25'],
  },
  {
    name: 'no reply at the first attempt, or one at a later one',
    text: '* a.test $retries=0 $reply=\n* a.test $retries<2 $failed=rcpt\n',
    warns: [],
    message: { retries: 1, failed: 'rcpt' },
    goes: ['10 a.test:25'],
  },
  {
    name: 'a number below zero',
    text: '* a.test $retries<0',
    warns: ['1:10 contradiction $retries<0 never holds, so no message can match this line'],
    message: { retries: 0 },
    goes: ['0 example.com:25'],
  },
  {
    name: 'a condition that always holds',
    text: '* a.test $size>=0 $from~=*',
    warns: [
      '1:10 always-true $size>=0 always holds, so it changes nothing',
      '1:19 always-true $from~=* always holds, so it changes nothing',
    ],
    message: { size: 0, mailFrom: '' },
    goes: ['10 a.test:25'],
  },
  {
    name: 'a duplicate',
    text: 'x.example a.test $priority:5 $retries>=1\nX.Example a.test:25 $retries>=1',
    warns: ['2:1 no-effect this line says the same as line 1'],
    message: { domain: 'x.example', retries: 1 },
    goes: ['5 a.test:25'],
  },
  {
    name: 'a line that a wider one makes idle',
    text: '*.example a.test\nx.example a.test $retries>3',
    warns: [
      '2:1 no-effect this line adds nothing: line 1 matches whenever it does, and adds the same server',
      '2:18 late-retries $retries>3',
    ],
    message: { domain: 'x.example', retries: 4 },
    goes: ['10 a.test:25'],
  },
  {
    name: '$direct with a priority',
    text: 'x.example $direct $priority:5',
    warns: [
      '1:19 idle-priority $priority does nothing here: the exchanges of $direct keep the priorities that DNS gives them',
    ],
    message: { domain: 'x.example' },
    mx: '20:mx.x.example',
    goes: ['20 mx.x.example:25'],
  },
  {
    name: 'a priority among one',
    text: 'x.example a.test $priority:5\ny.example b.test $end',
    warns: [
      '1:18 idle-priority $priority does nothing here: when this line matches, there is no other server',
    ],
    message: { domain: 'x.example' },
    goes: ['5 a.test:25'],
  },
  {
    name: 'retries beyond those of Haraka',
    text: '* a.test $retries>=4',
    warns: [
      '1:10 late-retries $retries>=4 can hold only for a message that Haraka has split: Haraka bounces a message after 4 attempts (temp_fail_intervals in outbound.ini), so $retries is at most 3',
    ],
    message: { retries: 3 },
    goes: ['0 example.com:25'],
  },
  {
    name: 'attempts beyond those of Haraka',
    text: `${isp}[attempts]\n* direct=2 relay=3`,
    warns: [
      '4:1 late-retries direct=2 relay=3 are 5 attempts, and Haraka bounces a message after 4 attempts',
    ],
    message: { retries: 4 },
    goes: ['10 relay.example:25'],
  },
  {
    name: 'an entry of [attempts] after a wider one',
    text: `${isp}[attempts]\n*.example direct=1 relay=1\nx.example direct=0 relay=1`,
    warns: [
      '5:1 unreachable-attempts no message can reach this entry: *.example in line 4 matches every such domain',
    ],
    message: { domain: 'x.example' },
    goes: ['0 x.example:25'],
  },
  {
    name: 'a relay that nothing names',
    text: `${isp}[relay:other]\nhost = other.example\n[overrides]\n* @isp`,
    warns: ['3:1 unused-relay relay other is never used'],
    message: {},
    goes: ['10 relay.example:25'],
  },
  {
    name: 'a relay of [attempts] without relay attempts',
    text: `${isp}[attempts]\n* direct=1 relay=0`,
    warns: ['1:1 unused-relay relay isp is never used'],
  },
  {
    name: 'an inline password in a file that others can read',
    text: '* fred:Passw0rd@a.test',
    fileMode: 0o644,
    warns: [
      '1:3 readable-password there is a password here, and every user of this machine can read the file',
    ],
  },
  {
    name: 'the password of a relay in a file that others can read',
    text: '[relay:isp]\nhost = relay.example\nuser = fred\n  password = Passw0rd\n[overrides]\n* @isp',
    fileMode: 0o604,
    warns: [
      '4:3 readable-password there is a password here, and every user of this machine can read the file',
    ],
  },
  {
    name: 'an address between slashes, without anchors',
    text: '* a.test $from~=/boss@corp\\.example/i',
    warns: [
      '1:10 unanchored-regex $from~=/boss@corp\\.example/i matches any text with the address within it, as xboss@corp.example',
    ],
    message: { mailFrom: 'xboss@corp.example' },
    goes: ['10 a.test:25'],
  },
  {
    name: 'a regular expression without slashes',
    text: '* a.test $from~=.*@corp\\.example$',
    warns: [
      '1:10 odd-wildcard $from~=.*@corp\\.example$ is read as a wildcard and not as a regular expression',
    ],
    message: { mailFrom: 'boss@corp.example' },
    goes: ['0 example.com:25'],
  },
  {
    name: 'a wildcard after =',
    text: '* a.test $from=*@corp.example',
    warns: [
      '1:10 odd-wildcard $from=*@corp.example compares with the text as it is: * stands for itself after =',
    ],
    message: { mailFrom: 'boss@corp.example' },
    goes: ['0 example.com:25'],
  },
]

for (const { name, text, warns, message, mx, goes, fileMode } of CASES) {
  test(`warns of ${name}`, async () => {
    const found = warnings(text, fileMode === undefined ? {} : { fileMode })
    assert.deepEqual(
      found.map((warning, index) => warning.slice(0, warns[index]?.length ?? warning.length)),
      warns,
    )
    if (message !== undefined) assert.deepEqual(hosts(await decideBy(text, message, mx)), goes)
  })
}

const SILENT: readonly (readonly [string, string])[] = [
  [
    'the examples of the product',
    'gmail.com smtp.myisp.com\n*.demon.co.uk fred:Passw0rd@smtp.myisp.com:587\n* smtp.myisp.com $retries>=3 $end',
  ],
  ['an exception before the rule', 'x.example $direct $end\n* a.test'],
  ['a wider line after a narrower one', 'x.example a.test $end\n*.example b.test'],
  ['a subdomain wildcard, which does not match the domain', '*.example a.test $end\nexample b.test'],
  [
    'a case-sensitive expression and an equal text',
    '* a.test $from~=/boss@/ $end\n* b.test $from=boss@corp.example',
  ],
  ['one condition more before $end', '* a.test $retries>=1 $authsender=fred $end\n* b.test $retries>=1'],
  ['neighbours that leave no gap and do not meet', '* a.test $retries<2 $end\n* b.test $retries>=2 $end'],
  ['two limits that leave one value', '* a.test $retries>1 $retries<3'],
  ['a range of texts', '* a.test $from>=a $from<b'],
  ['an expression and its case-sensitive other half', '* a.test $from=a@b.example $from~=/B/'],
  ['the same server at a better priority', '* a.test\nx.example a.test $priority:5'],
  ['the same server with another user', '* fred:x@a.test\n* joe:x@a.test'],
  ['the same server, and DNS', '* a.test\nx.example a.test $adddns'],
  ['the same server, and an end', '* a.test\nx.example a.test $end\n* b.test'],
  ['priorities that order', '* a.test $priority:5\nx.example b.test $priority:20 $adddns'],
  ['a priority beside DNS', 'x.example a.test $adddns $priority:15'],
  ['retries at the last attempt', '* a.test $retries>=3\n* b.test $retries=3'],
  ['a relay of [attempts]', `${isp}[attempts]\n* direct=2 relay=2`],
  ['a relay named in another case', `${isp}[overrides]\n* @ISP`],
  [
    'anchored, and a part of an address',
    '* a.test $from~=/^boss@corp\\.example$/ $end\n* b.test $from~=/@corp\\.example/',
  ],
  [
    'user names of Windows, and an address literal',
    '* a.test $authsender~=CORP\\w* $end\n* b.test $authsender~=*$\n* c.test $from~=*@[192.0.2.*]',
  ],
  ['a literal star in the user name of a wildcard', '* a.test $authsender~=*.*'],
  ['MX of two kinds', '* a.test $dnsmx:*.google.com $dnsmx:!*.example'],
]

for (const [name, text] of SILENT) {
  test(`does not warn of ${name}`, () =>
    // Two lines that one message matches have a warning of their own, with cases of its own.
    assert.deepEqual(
      warnings(text).filter((warning) => !warning.includes(' equal-priority ')),
      [],
    ))
}

test('permissions of a file without passwords do not matter', () => {
  const text =
    '[relay:isp]\nhost = relay.example\nuser = fred\npassword_env = RELAY_PASSWORD\n[overrides]\n* @isp'
  const { configuration } = {
    configuration: configure(text, { env: { RELAY_PASSWORD: 'x' }, readFile: () => assert.fail() }),
  }
  assert.deepEqual(lint(configuration, { text, retryIntervalsSeconds: INTERVALS, fileMode: 0o644 }), [])
})

test('no warning shows a password', () => {
  const text = '* fred:Passw0rd@a.test $end\n* joe:Passw0rd2@a.test $retries<0 $priority:3'
  const all = lint(configure(text), { text, retryIntervalsSeconds: [], fileMode: 0o644 })
  assert.ok(all.length >= 3)
  assert.doesNotMatch(JSON.stringify(all), /Passw0rd/)
})

test('every code has a case here or a test of its name', () => {
  const texts = CASES.flatMap(({ warns }) => warns)
  for (const { code } of LINT_RULES) {
    const isTested = texts.some((text) => text.includes(` ${code}`))
    assert.ok(isTested || existsSync(`test/rules/lint/${code}.test.ts`), code)
  }
})
