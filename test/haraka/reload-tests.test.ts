import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigurationFolder } from '../support/configuration-folder'

// The [tests] of a file when it is read for the first time and again.

const file = (target: string, mode: string) =>
  `* ${target}\n[tests]\non_reload = ${mode}\n<> -> a@x.example : a.test`

function targets({ inForce }: ConfigurationFolder): string[] {
  return inForce.map(({ rules }) => rules.lines[0]?.text ?? '')
}

const text = (entries: readonly { level: string; text: string }[]) =>
  entries.map((entry) => `${entry.level} ${entry.text}`)

test('on_reload = refuse: rules that fail their tests are not put into force', async (t) => {
  const folder = new ConfigurationFolder(t).start(file('a.test', 'refuse'))
  assert.deepEqual(text(await folder.reload(file('b.test', 'refuse'))), [
    'error config/dns_overrides.ini:4: test not met: "<> -> a@x.example : a.test", but it is: b.test:25',
    'notice config/dns_overrides.ini does not meet its own [tests] and is not used: the configuration before it stays in force',
  ])
  assert.deepEqual(targets(folder), ['* a.test'])
  await folder.reload(file('a.test $end', 'refuse'))
  assert.deepEqual(targets(folder), ['* a.test', '* a.test $end'])
})

test('on_reload = warn: rules that fail their tests are in force, with a warning', async (t) => {
  const folder = new ConfigurationFolder(t).start(file('a.test', 'warn'))
  const log = text(await folder.reload(file('b.test', 'warn')))
  assert.deepEqual(targets(folder), ['* a.test', '* b.test'])
  assert.match(log[0] ?? '', /^warn .*test not met/)
})

test('on_reload = ignore: failing tests are not logged', async (t) => {
  const folder = new ConfigurationFolder(t).start(file('a.test', 'ignore'))
  const log = text(await folder.reload(file('b.test', 'ignore')))
  assert.deepEqual(targets(folder), ['* a.test', '* b.test'])
  assert.deepEqual(log, ['notice config/dns_overrides.ini is read again and in force'])
})

test('at the start failing tests are a warning, because there are no previous rules', async (t) => {
  const folder = new ConfigurationFolder(t).start(file('b.test', 'refuse'))
  await folder.waitFor(() => folder.findings.length === 2)
  assert.deepEqual(targets(folder), ['* b.test'])
  assert.match(folder.log.join('\n'), /^warn .*test not met/m)
})

test('of many failing tests 50 are logged, and the number of the others', async (t) => {
  const folder = new ConfigurationFolder(t).start('* a.test')
  const lines = Array.from({ length: 70 }, (_, n) => `<> -> a@x${n}.example : b.test`)
  const log = text(await folder.reload(`* a.test\n[tests]\n${lines.join('\n')}`))
  assert.equal(log.filter((line) => line.includes('test not met')).length, 50)
  assert.equal(
    log[50],
    'warn config/dns_overrides.ini does not meet 20 more tests: npx dns-overrides test lists them',
  )
})
