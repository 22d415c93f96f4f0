import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfiguration } from '../../lib/routing/configuration'
import { readTests, runExpectations } from '../../lib/rules/expectations'
import { maskLine } from '../../lib/rules/mask'
import { splitWords } from '../../lib/rules/message-spec'
import { Report } from '../../lib/source/report'
import type { Line, SourceLine } from '../../lib/source/line'
import { configure, NO_SECRETS, printed } from '../support/rules'

const RULES = `
[relay:isp]
host = relay.example
[relay:other]
host = 2001:db8::1
[overrides]
gmail.com  smtp.myisp.com:587  $from~=*@corp.example $retries<5 $end
big.example  @isp $size>=10M $end
big.example  @other $priority:20
big.example  $direct
auth.example a.test $authsender=fred $end
mx.example b.test $dnsmx:*.google.com $end
none.example $direct $end
`

const run = (lines: string) => runExpectations(configure(`${RULES}\n[tests]\n${lines}`))

const asTest = (line: SourceLine): Line => ({ ...line, kind: 'tests' })

const MET = [
  'boss@corp.example -> a@gmail.com retries=4 : smtp.myisp.com:587',
  'boss@corp.example -> a@gmail.com retries=4 : smtp.myisp.com',
  '<boss@corp.example> -> <a@GMAIL.com> : SMTP.myisp.com',
  'boss@corp.example -> a@gmail.com retries=5 : direct',
  '<> -> a@gmail.com : direct',
  '<> -> a@gmail.com : direct ; the null sender : by DNS',
  '<> -> a@gmail.com : mx.gmail.com:25',
  '<> -> a@gmail.com mx=10:a.test,20:b.test : direct',
  '<> -> a@gmail.com mx=10:a.test,20:b.test : a.test, b.test:25',
  '<> -> a@gmail.com mx=none : gmail.com',
  '<> -> a@gmail.com mx=nxdomain : bounce',
  '<> -> a@gmail.com mx=0:. : BOUNCE',
  '<> -> a@gmail.com mx=fail : defer',
  '<> -> a@big.example size=10M : @isp',
  '<> -> a@big.example size=10M : relay.example:25',
  '<> -> a@big.example size=10485759 : direct, @other',
  '<> -> a@big.example mx=30:z.test : [2001:db8::1]:25, direct',
  '<> -> a@big.example mx=30:z.test : @OTHER, z.test',
  '<> -> a@auth.example auth=fred : a.test',
  '<> -> a@auth.example auth=Fred : a.test',
  '<> -> a@auth.example : direct',
  '<> -> a@mx.example mx=5:alt1.google.com : b.test',
  '<> -> gmail.com : direct',
  '<> -> a@bücher.example : mx.xn--bcher-kva.example',
]

for (const line of MET) {
  test(`met: ${line}`, async () => {
    const [result] = await run(line)
    assert.equal(result?.met, true, result?.actual)
  })
}

const UNMET: readonly (readonly [string, string])[] = [
  ['boss@corp.example -> a@gmail.com : smtp.myisp.com:25', 'smtp.myisp.com:587'],
  ['boss@corp.example -> a@gmail.com : direct', 'smtp.myisp.com:587'],
  ['boss@corp.example -> a@gmail.com : bounce', 'smtp.myisp.com:587'],
  ['boss@corp.example -> a@gmail.com : smtp.myisp.com, b.test', 'smtp.myisp.com:587'],
  ['<> -> a@gmail.com mx=10:a.test,20:b.test : a.test', 'a.test:25, b.test:25'],
  ['<> -> a@gmail.com mx=10:a.test,20:b.test : b.test, a.test', 'a.test:25, b.test:25'],
  ['<> -> a@gmail.com mx=nxdomain : defer', 'bounce'],
  ['<> -> a@big.example size=10M : @other', '@isp'],
  ['<> -> a@big.example : @other, direct', 'mx.big.example:25, @other'],
]

for (const [line, actual] of UNMET) {
  test(`not met: ${line}`, async () => {
    const [result] = await run(line)
    assert.equal(result?.met, false)
    assert.equal(result?.actual, actual)
  })
}

const WRONG: readonly (readonly [string, string, string])[] = [
  ['boss@corp.example a@gmail.com : bounce', '^~~~~~', 'this is not a test'],
  ['boss@corp.example -> a@gmail.com', '^~~~~~', 'this is not a test'],
  ['boss@corp.example -> a@gmail.com :', '^~~~~~', 'this is not a test'],
  ['  <> -> a@b@.. : bounce', '        ^~~~~~', '"a@b@.." is not a recipient'],
  ['<> -> a@gmail.com retries=x : bounce', '                  ^~~~~~~~~', 'retries takes a number, not "x"'],
  [
    '<> -> a@gmail.com retires=1 : bounce',
    '                  ^~~~~~~~~',
    '"retires=1" is not one of retries=, size=, auth=, age=, reply=, failed=, mx=',
  ],
  ['<> -> a@gmail.com size=1 size=2 : bounce', '                         ^~~~~~', 'size= is given twice'],
  ['<> -> a@gmail.com mx=a.test : bounce', '                  ^~~~~~~~~', 'mx: "a.test" is not PRIO:HOST'],
  ['<> -> a@gmail.com : @ips', '                    ^~~~', 'there is no [relay:ips]'],
  ['<> -> a@gmail.com : a.test:0', '                    ^~~~~~~~', '"a.test:0" is not HOST[:PORT]'],
  ['<> -> a@gmail.com : a.test b.test', '                    ^~~~~', '"a.test b.test" is not HOST[:PORT]'],
]

for (const [line, caret, message] of WRONG) {
  test(`an error in the file: ${line}`, () => {
    const text = printed(`${RULES}\n[tests]\n${line}`)
    assert.ok(text.includes(message), text)
    assert.ok(text.includes(`\n  ${caret}`), text)
    assert.match(text, /expected: SENDER -> RECIPIENT/)
  })
}

test('every mistake is reported, and the valid expectations are kept', () => {
  const lines = [
    { line: 3, text: 'nonsense' },
    { line: 4, text: '<> -> a@gmail.com : direct' },
    { line: 5, text: '<> -> a@gmail.com : @any' },
  ]
  const report = new Report('f.ini', maskLine)
  const tests = readTests(lines.map(asTest), report, ['isp'])
  assert.deepEqual(
    tests.map(({ line }) => line),
    [4],
  )
  assert.deepEqual(
    report.diagnostics.map(({ span, code }) => [span.line, code]),
    [
      [3, 'bad-test'],
      [5, 'bad-test'],
    ],
  )
})

test('a file with an invalid expectation is refused as a whole', () => {
  const { configuration } = loadConfiguration('[tests]\nnonsense', { file: 'f.ini', secrets: NO_SECRETS })
  assert.equal(configuration, undefined)
})

test('a file without expectations has none', () => assert.deepEqual(run(''), []))

const PASTED = [
  '<> -> a@gmail.com : fred:S3cret@smtp.myisp.com:587',
  '<> -> a@gmail.com : direct, smtps://fred:S3cret@smtp.myisp.com',
  '<> -> a@gmail.com : fred:S3cret @smtp.myisp.com',
  '<> -> a@gmail.com fred:S3cret@smtp.myisp.com : direct',
  '<> -> a@gmail.com password=S3cret : direct',
  '<> -> a@gmail.com size=fred:S3cret@smtp.myisp.com : direct',
  '<> -> a@gmail.com mx=fred:S3cret@smtp.myisp.com : direct',
  '<> -> a@gmail.com auth=fred:S3cret : direct',
  '<> -> fred:S3cret@smtp.myisp.com : direct',
  'fred:S3cret@smtp.myisp.com -> a@gmail.com : direct',
  'fred:S3cret@smtp.myisp.com',
]

for (const line of PASTED) {
  test(`no password is shown of ${line}`, async () => {
    const file = `${RULES}\n[tests]\n${line}`
    const { configuration } = loadConfiguration(file, { file: 'f.ini', secrets: NO_SECRETS })
    const results = configuration === undefined ? [] : runExpectations(configuration)
    const texts = results.map(({ expectation }) => expectation.text)
    assert.doesNotMatch([printed(file), ...texts].join('\n'), /S3cret/)
  })
}

test('text that is not a password is shown unchanged', () => {
  const lines = [
    'joe@a.test -> a@gmail.com retries=4 size=10M auth=fred mx=10:a.test,20:b.test : smtp.myisp.com:587,b.test:25, direct',
    '<> -> a@[IPv6:2001:db8::1] : [2001:db8::1]:25, 192.0.2.1:587, @isp',
  ]
  const tests = readTests(
    lines.map((text, index) => asTest({ line: index + 1, text })),
    new Report('f.ini', maskLine),
  )
  assert.deepEqual(
    tests.map(({ text }) => text),
    lines,
  )
})

test('a quoted reply may contain blanks, colons and semicolons; age and failed step are used too', () => {
  const line =
    '<> -> a@x.example age=4h reply="550 5.7.1 no : really ; see <https://x.example/S3140>" failed=mail : a.test ; why'
  const rules = 'x.example a.test $reply~=/S3140/ $failed=mail $age>=4h $end\nx.example b.test'
  const { tests, rules: compiled } = configure(`${rules}\n[tests]\n${line}`)
  const [expectation] = tests
  assert.ok(expectation)
  assert.equal(expectation.message.message.reply, '550 5.7.1 no : really ; see <https://x.example/S3140>')
  assert.equal(expectation.text, line.replace(' ; why', ''))
  assert.equal(runExpectations({ rules: compiled, tests: [expectation] })[0]!.met, true)
})

test('an unclosed quote ends with its word', () => {
  assert.deepEqual(splitWords('<>  a@x.example reply="550 no'), ['<>', 'a@x.example', 'reply="550', 'no'])
})
