import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from './folder'
import { run } from './terminal'

const folder = temporaryFolder()

const RULES = ['gmail.com smtp.myisp.com:587 $retries>=4', '[tests]', '<> -> a@gmail.com : direct']

test('test: status 0 if all expectations are met', async () => {
  const file = folder.write(
    'good.ini',
    [...RULES, '<> -> a@gmail.com retries=4 : smtp.myisp.com:587'].join('\n'),
  )
  const { status, out } = await run(['test', file])
  assert.equal(status, 0)
  assert.equal(
    out,
    `ok   ${file}:3  <> -> a@gmail.com : direct\n` +
      `ok   ${file}:4  <> -> a@gmail.com retries=4 : smtp.myisp.com:587\n` +
      '2 tests, 0 failed\n',
  )
})

test('test: shows the actual result and the line that decided; status 78', async () => {
  const file = folder.write(
    'bad.ini',
    [...RULES, '<> -> a@gmail.com retries=4 : direct', '<> -> a@x.example mx=nxdomain : direct'].join('\n'),
  )
  const { status, out } = await run(['test', '-c', file])
  assert.equal(status, 78)
  assert.match(out, /FAIL .*bad\.ini:4 {2}.*\n {5}the rules say: smtp\.myisp\.com:587 \(by line 1\)\n/)
  assert.match(out, /FAIL .*bad\.ini:5 {2}.*\n {5}the rules say: bounce \(x\.example does not exist\)\n/)
  assert.match(out, /3 tests, 2 failed\n$/)
  const json = await run(['test', file, '--json'])
  assert.equal(json.status, 78)
  assert.deepEqual((JSON.parse(json.out) as unknown[])[1], {
    line: 4,
    text: '<> -> a@gmail.com retries=4 : direct',
    met: false,
    actual: 'smtp.myisp.com:587',
  })
})

test('test: a file without expectations is reported', async () => {
  const { status, out } = await run(['test', folder.write('none.ini', '* a.test')])
  assert.equal(status, 0)
  assert.equal(out, '0 tests, 0 failed\n')
})

test('test --coverage: lists the lines that no expectation reaches, each with an expectation that holds', async () => {
  const lines = [
    '* @isp $retries>=4 $end',
    'gmail.com smtp.myisp.com $from~=*@corp.example $size>10M',
    '*.demon.co.uk fred:Passw0rd@smtp.myisp.com:587 $dnsmx:*.outlook.com',
    'a.example a.test $authsender=fred',
    String.raw`b.example b.test $from~=/^(boss|ceo)@corp\.example$/i $end`,
    'b.example c.test $retries<2 $from<>',
    'c.example $direct $dnsmx:!*.outlook.com',
    'd.example d.test',
    'e.example e.test $end',
    'e.example f.test',
  ]
  const relay = ['[relay:isp]', 'host = isp.example']
  const file = folder.write(
    'coverage.ini',
    [...lines, ...relay, '[tests]', '<> -> a@d.example : d.test'].join('\n'),
  )
  const { status, out } = await run(['test', file, '--coverage', '--json'])
  assert.equal(status, 0)
  const { tests, untested } = JSON.parse(out) as {
    tests: unknown[]
    untested: { line: number; text: string; expectation?: string }[]
  }
  assert.equal(tests.length, 1)
  assert.deepEqual(
    untested.map(({ line, expectation }) => [line, expectation]),
    [
      [1, 'sender@example.com -> user@example.com retries=4 : @isp'],
      [2, 'x@corp.example -> user@gmail.com size=10485761 : smtp.myisp.com:25'],
      [3, 'sender@example.com -> user@x.demon.co.uk mx=10:x.outlook.com : smtp.myisp.com:587'],
      [4, 'sender@example.com -> user@a.example auth=fred : a.test:25'],
      [5, 'boss@corp.example -> user@b.example : b.test:25'],
      [6, 'sender@example.com -> user@b.example : c.test:25'],
      [7, 'sender@example.com -> user@c.example : direct'],
      [9, 'sender@example.com -> user@e.example : e.test:25'],
      // no message reaches a line after one that takes them all
      [10, undefined],
    ],
  )
  assert.doesNotMatch(out, /Passw0rd/)

  const all = [
    ...lines.slice(0, -1),
    ...relay,
    '[tests]',
    ...untested.flatMap(({ expectation }) => expectation ?? []),
  ]
  const complete = folder.write('complete.ini', [...all, '<> -> a@d.example : d.test'].join('\n'))
  const pasted = await run(['test', complete, '--coverage'])
  assert.equal(pasted.status, 0, pasted.out)
  assert.match(pasted.out, /9 tests, 0 failed\n9 of 9 override lines reached by a test\n$/)
})

test('test --coverage prints text', async () => {
  const file = folder.write('words.ini', [...RULES, ''].join('\n'))
  const { out } = await run(['test', file, '--coverage'])
  assert.equal(
    out,
    `ok   ${file}:3  <> -> a@gmail.com : direct
1 test, 0 failed

Override lines that no test reaches, each with a test to paste into [tests]:
  1  gmail.com smtp.myisp.com:587 $retries>=4
     sender@example.com -> user@gmail.com retries=4 : smtp.myisp.com:587

0 of 1 override line reached by a test
`,
  )
})
