import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { allocationsOf, keptObjectsOf } from './support/allocations'
import { startGetMxHarness } from './support/get-mx-harness'

/*
 * What a message may cost, in numbers that no clock and no other load changes. A budget that is exceeded is a change to think
 * about.
 */

/** Bytes with Node 20, and with newer versions: 22 and 24 make more of the same code. */
const BUDGETS = [
  // Of get_mx, the measuring itself makes all promises and 3 kB: a message to ask about and to end, and a promise of its answer.
  // Plain and synchronous: a list of lines, one of exchanges, and the decision.
  { work: 'work-decide', what: 'a decision by two lines among 10,000', promises: 0, bytes: [1_500, 1_500] },
  // Twice by the rules, since DNS is asked only where no line has decided; and an answer of the resolver.
  {
    work: 'work-decide-no-line',
    what: 'a decision that no line of 10,000 makes, with MX records in the cache',
    promises: 0,
    bytes: [1_600, 1_650],
  },
  {
    work: 'work-decide-failing-lines',
    what: 'a decision after 20 lines for * whose conditions fail, with MX records in the cache',
    promises: 0,
    bytes: [1_900, 1_900],
  },
  {
    work: 'work-get-mx-direct',
    what: 'get_mx of two hosts with four addresses',
    promises: 4,
    bytes: [17_000, 19_600],
  },
  { work: 'work-get-mx-ruled', what: 'get_mx by a line', promises: 4, bytes: [11_800, 13_700] },
  // The stand-ins for Haraka's socket and its message make some 5 kB of it.
  {
    work: 'work-attempt-direct',
    what: 'a whole attempt at an MX host',
    promises: 4,
    bytes: [37_000, 43_200],
  },
  { work: 'work-attempt-relay', what: 'a whole attempt by a relay', promises: 4, bytes: [33_000, 37_700] },
  {
    work: 'work-dns-cold',
    what: 'an MX question that no cache answers',
    promises: 12,
    bytes: [18_200, 18_200],
  },
] as const

const isNode20 = process.versions.node.startsWith('20.')

for (const { work, what, promises, bytes: allowed } of BUDGETS) {
  const bytes = allowed[isNode20 ? 0 : 1]
  test(`${what} makes at most ${promises} promises and ${bytes} bytes`, async () => {
    const made = await allocationsOf(join(__dirname, 'support', `${work}.js`))
    // The measuring itself makes a few in thousands of runs.
    assert.ok(made.promises < promises + 0.01, `${made.promises} promises`)
    assert.ok(made.bytes <= bytes, `${made.bytes} bytes`)
  })
}

for (const { work, what } of BUDGETS.filter(({ work: name }) => name.startsWith('work-attempt'))) {
  test(`nothing of a message is kept in memory after ${what}`, async () => {
    const kept = await keptObjectsOf(join(__dirname, 'support', `${work}.js`))
    // What the status page shows of the last thousand decisions may be filled meanwhile: that is two objects for each of them.
    assert.ok(kept < 0.6, `${kept} objects a message`)
  })
}

test('get_mx does not repeat a DNS query', async () => {
  const harness = await startGetMxHarness()
  try {
    assert.equal((await harness.ask(harness.message('direct.example'))).length, 4)
    const before = harness.queries()
    for (let message = 0; message < 50; message++) await harness.ask(harness.message('direct.example'))
    for (let message = 0; message < 50; message++) await harness.ask(harness.message('ruled.example'))
    assert.equal(harness.queries(), before)
  } finally {
    await harness.stop()
  }
})

test('the general help loads nine files', () => {
  const bin = join(__dirname, '..', 'lib', 'cli', 'bin.js')
  const script = `
    process.argv.push(${JSON.stringify(bin)}, '--help')
    process.on('exit', () => console.error(Object.keys(require.cache).length))
    require(process.argv[1])`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
  assert.match(stdout, /^dns-overrides/)
  assert.equal(stderr, '9\n')
})
