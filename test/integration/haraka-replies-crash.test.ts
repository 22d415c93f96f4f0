import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'
import { startScripted, type Scripted } from '../support/smtp-scripted'
import { randomFrom } from '../support/random'

// Haraka is killed between the refusal of a message and its rescue, at every kind of moment.

const SEEDS = 12
/** Longer than Haraka takes from the refusal to the next attempt, milliseconds. */
const LONGEST = 1_500

let provider: Scripted
let relay: Scripted
let haraka: HarakaServer
/** Called at each refusal. */
let refused = () => {}
/** The relay is silent for as long as Haraka may still be killed. */
let isRelayOpen = false

before(async () => {
  provider = await startScripted({
    script: (verb) => {
      if (verb !== 'RCPT') return undefined
      refused()
      return '550 5.7.1 block list (S3140)'
    },
  })
  relay = await startScripted({ script: () => (isRelayOpen ? undefined : 'silence') })
  haraka = await HarakaServer.start({
    overrides: `
* 127.0.0.1:${relay.port} $reply~=/S3140/ $end
* 127.0.0.1:${provider.port}
`,
    outbound: ['temp_fail_intervals=1h*3', 'local_mx_ok=true'],
  })
})

after(async () => {
  await haraka?.close()
  await Promise.all([provider, relay].map((server) => server?.close()))
})

for (let seed = 1; seed <= SEEDS; seed++) {
  // More often early, where more happens.
  const milliseconds = Math.floor(randomFrom(seed)() ** 3 * LONGEST)

  test(`seed ${seed}: killed ${milliseconds} ms after the refusal, the message is delivered once`, async () => {
    const recipient = `u${seed}@d.example`
    isRelayOpen = false
    const refusal = new Promise<void>((done) => {
      refused = done
    })
    await haraka.send({ from: 's@client.example', to: recipient })
    await refusal
    await delay(milliseconds)
    await haraka.kill9()
    assert.equal(haraka.queueFiles().length, 1, 'the message is in the queue')
    isRelayOpen = true
    await haraka.restart()
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue', [relay])
    assert.equal(relay.taken.filter(({ rcptTo }) => rcptTo.includes(recipient)).length, 1)
    assert.equal(haraka.lines(/bouncing mail/).length, 0)
  })
}
