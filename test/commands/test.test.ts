import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from './folder'
import { run } from './terminal'

const folder = temporaryFolder()

const RULES = ['gmail.com smtp.myisp.com:587 $retries>=4', '[tests]', '<> -> a@gmail.com : direct']

test('test: all expectations are met', async () => {
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

test('test: what came instead, and by which line; status 78', async () => {
  const file = folder.write(
    'bad.ini',
    [...RULES, '<> -> a@gmail.com retries=4 : direct', '<> -> a@x.example mx=nxdomain : direct'].join('\n'),
  )
  const { status, out } = await run(['test', '-c', file])
  assert.equal(status, 78)
  assert.match(out, /FAIL .*bad\.ini:4 {2}.*\n {5}but it is: smtp\.myisp\.com:587 \(by line 1\)\n/)
  assert.match(out, /FAIL .*bad\.ini:5 {2}.*\n {5}but it is: bounce \(x\.example does not exist\)\n/)
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

test('test: a file without tests', async () => {
  const { status, out } = await run(['test', folder.write('none.ini', '* a.test')])
  assert.equal(status, 0)
  assert.equal(out, '0 tests, 0 failed\n')
})
