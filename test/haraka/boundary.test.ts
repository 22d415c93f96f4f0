import assert from 'node:assert/strict'
import { mock, test, type TestContext } from 'node:test'
import { answerHook, type Boundary, deadlineOf, type HookAnswer } from '../../lib/haraka/boundary'
import { RETVAL } from '../../lib/haraka-objects/plugin'

interface Heard {
  readonly answers: [number | undefined, unknown][]
  readonly errors: string[]
}

function hear(work: () => Promise<HookAnswer>, next?: () => void): Heard {
  const heard: Heard = { answers: [], errors: [] }
  const boundary: Boundary = {
    deadlineMs: 1000,
    failure: (error) => ({ retval: RETVAL.denysoft, message: error.message }),
    onError: (error) => void heard.errors.push(error.message),
  }
  answerHook(
    (retval, message) => {
      heard.answers.push([retval, message])
      next?.()
    },
    work,
    boundary,
  )
  return heard
}

/** Lets everything run that promises have put off. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

function withClock(t: TestContext): void {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
}

test('the hook is answered once, after the changes are committed', async () => {
  const order: string[] = []
  const work = async () => ({ retval: RETVAL.ok, message: 'x', commit: () => void order.push('commit') })
  const heard = hear(work, () => order.push('next'))
  await settle()
  assert.deepEqual(heard, { answers: [[RETVAL.ok, 'x']], errors: [] })
  assert.deepEqual(order, ['commit', 'next'])
})

const failures: [string, () => Promise<HookAnswer>, string][] = [
  ['rejects', () => Promise.reject(new Error('broken')), 'broken'],
  [
    'throws at once',
    () => {
      throw new Error('at once')
    },
    'at once',
  ],
  ['rejects with no error', () => Promise.reject('text'), 'text'],
  [
    'cannot make its changes',
    async () => ({
      retval: RETVAL.ok,
      commit: () => {
        throw new Error('commit')
      },
    }),
    'commit',
  ],
]
for (const [name, work, message] of failures) {
  test(`work that ${name} defers the message and is reported`, async () => {
    const heard = hear(work)
    await settle()
    assert.deepEqual(heard, { answers: [[RETVAL.denysoft, message]], errors: [message] })
  })
}

test('at the deadline the message is deferred, and a late answer changes nothing', async (t) => {
  withClock(t)
  let finish: (answer: HookAnswer) => void = () => {}
  let committed = false
  const heard = hear(() => new Promise((resolve) => (finish = resolve)))
  await settle()
  mock.timers.tick(999)
  assert.deepEqual(heard.answers, [])
  mock.timers.tick(1)
  const late = 'no answer within 1000 ms'
  assert.deepEqual(heard, { answers: [[RETVAL.denysoft, late]], errors: [late] })
  finish({ retval: RETVAL.ok, commit: () => (committed = true) })
  await settle()
  assert.equal(heard.answers.length, 1)
  assert.equal(committed, false)
})

test('work that fails after the deadline is not reported again', async (t) => {
  withClock(t)
  let fail: (error: Error) => void = () => {}
  const heard = hear(() => new Promise((_resolve, reject) => (fail = reject)))
  await settle()
  mock.timers.tick(1000)
  fail(new Error('late'))
  await settle()
  assert.equal(heard.answers.length, 1)
  assert.equal(heard.errors.length, 1)
})

test('an error thrown by Haraka while it handles the answer is reported, and the hook is not answered twice', async () => {
  const heard = hear(
    async () => ({ retval: RETVAL.ok }),
    () => {
      throw new Error('inside Haraka')
    },
  )
  await settle()
  assert.deepEqual(heard, { answers: [[RETVAL.ok, undefined]], errors: ['inside Haraka'] })
})

test("the deadline is shorter than Haraka's timeout for the plugin", () => {
  const deadlines = [
    [30, 24_000],
    [10, 8_000],
    [0.5, 400],
    [300, 25_000],
    [0, 24_000],
  ] as const
  for (const [timeout, deadline] of deadlines) assert.equal(deadlineOf(timeout), deadline)
})
