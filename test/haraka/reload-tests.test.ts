import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ConfigurationFile } from '../../lib/haraka/configuration-file'
import type { HarakaPlugin } from '../../lib/haraka/types'

// The [tests] of a file when it is read again. The plugin is a fake because Haraka tells of a change five seconds late.

interface Fake {
  /** The targets in force, one after the other. */
  readonly inForce: string[]
  readonly log: string[]
  change(text: string): Promise<void>
}

/** Opens a file, and lets it change. */
async function open(text: string): Promise<Fake> {
  let current = text
  let changed: () => void = () => assert.fail('nobody asked to be told of changes')
  let told: () => void = () => undefined
  const log: string[] = []
  const note =
    (level: string) =>
    (...parts: unknown[]) => {
      log.push(`${level} ${parts.join(' ')}`)
      told()
    }
  const plugin = {
    name: 'dns-overrides',
    timeout: 30,
    config: {
      get: (_name: string, _type: 'data', onReload?: () => void) => {
        if (onReload !== undefined) changed = onReload
        return current.split('\n')
      },
    },
    loginfo: note('info'),
    lognotice: note('notice'),
    logwarn: note('warn'),
    logerror: note('error'),
    logdebug: note('debug'),
  } as unknown as HarakaPlugin
  const inForce: string[] = []
  const take = (configuration: { rules: { lines: readonly { text: string }[] } }) =>
    inForce.push(configuration.rules.lines[0]?.text ?? '')
  const file = new ConfigurationFile(plugin, take)
  take(file.open())
  // what the start says of tests comes a little later
  await turn()
  await turn()
  return {
    inForce,
    log,
    async change(next) {
      current = next
      const last = new Promise<void>((resolve) => {
        told = () => {
          if (log.at(-1)?.endsWith('in force')) resolve()
        }
      })
      changed()
      await last
    },
  }
}

const file = (target: string, mode: string) =>
  `* ${target}\n[tests]\non_reload = ${mode}\n<> -> a@x.example : a.test`

test('on_reload = refuse: rules that do not meet their tests are not taken up', async () => {
  const { inForce, log, change } = await open(file('a.test', 'refuse'))
  assert.deepEqual(log, [])
  await change(file('b.test', 'refuse'))
  assert.deepEqual(inForce, ['* a.test'])
  assert.deepEqual(log, [
    'error config/dns_overrides.ini:4: test not met: "<> -> a@x.example : a.test", but it is: b.test:25',
    'error config/dns_overrides.ini does not meet its own [tests]: the rules read before stay in force',
  ])
  await change(file('a.test $end', 'refuse'))
  assert.deepEqual(inForce, ['* a.test', '* a.test $end'])
})

test('on_reload = warn: they are taken up, with a warning', async () => {
  const { inForce, log, change } = await open(file('a.test', 'warn'))
  await change(file('b.test', 'warn'))
  assert.deepEqual(inForce, ['* a.test', '* b.test'])
  assert.match(log[0] ?? '', /^warn .*test not met/)
})

test('on_reload = ignore: nobody is told', async () => {
  const { inForce, log, change } = await open(file('a.test', 'ignore'))
  await change(file('b.test', 'ignore'))
  assert.deepEqual(inForce, ['* a.test', '* b.test'])
  assert.deepEqual(log, ['notice config/dns_overrides.ini is read again and in force'])
})

test('at the start there are no other rules to go on with: a warning', async () => {
  const { inForce, log } = await open(file('b.test', 'refuse'))
  assert.deepEqual(inForce, ['* b.test'])
  assert.match(log.join(), /^warn .*test not met/)
})
