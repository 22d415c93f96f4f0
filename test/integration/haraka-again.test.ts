import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fails, startZone, type ZoneServer } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { startScripted, type Scripted } from '../support/smtp-scripted'

// The wait after a refusal, and the last of Haraka's retry intervals.

const DEFERRED = `
exports.hook_deferred = (next, item, { delay }) => {
  item.lognotice('HOOK deferred ' + item.todo.domain + ' ' + delay + ' ' + item.num_failures)
  next()
}
`

describe('$again', () => {
  let zone: ZoneServer
  let server: Scripted
  let other: Scripted
  let closed: Scripted
  let haraka: HarakaServer

  before(async () => {
    zone = await startZone({ 'dns.example': [fails('SERVFAIL')] })
    let greylisted = 0
    server = await startScripted({
      script: (verb, rest) => {
        if (verb !== 'RCPT') return undefined
        if (rest.includes('@grey.example')) return greylisted++ === 0 ? '451 4.7.1 Greylisted' : undefined
        if (rest.includes('@first.example')) return '550 5.7.1 listed'
        return undefined
      },
    })
    other = await startScripted()
    closed = await startScripted()
    await closed.close()
    haraka = await HarakaServer.start({
      overrides: `
dns_servers = 127.0.0.1:${zone.port}
[overrides]
grey.example  127.0.0.1:${server.port} $reply~=/^4.*greylist/i $again:1s $end
grey.example  127.0.0.1:${server.port}
first.example 127.0.0.1:${other.port}  $reply~=*listed $again:2s $end
first.example 127.0.0.1:${server.port}
down.example  127.0.0.1:${other.port}  $failed=connect $again:1s $end
down.example  127.0.0.1:${closed.port}
dns.example   127.0.0.1:${other.port}  $failed=dns $again:1s $end
dns.example   $direct
`,
      outbound: ['temp_fail_intervals=1h*3', 'local_mx_ok=true'],
      plugins: { deferred: DEFERRED },
    })
  })

  after(async () => {
    await haraka?.close()
    await Promise.all([server, other].map((each) => each?.close()))
    await zone?.stop()
  })

  for (const [domain, what, where, seconds] of [
    ['grey.example', 'the same server, after greylisting', () => server, 1],
    ['first.example', 'another server, after a refusal', () => other, 2],
    ['down.example', 'another server, after no connection', () => other, 1],
    ['dns.example', 'a server, after a lookup that failed', () => other, 1],
  ] as const) {
    it(`sets the time of the next attempt: ${what}`, async () => {
      await haraka.send({ from: 's@client.example', to: `u@${domain}` })
      const taken = () => where().taken.filter(({ rcptTo }) => rcptTo.includes(`u@${domain}`)).length
      await haraka.waitFor(() => taken() > 0, 'delivery', [server, other])
      assert.equal(taken(), 1)
      assert.deepEqual(
        haraka
          .lines(/HOOK deferred /)
          .flatMap((line) => /deferred (\S+ \S+ \d+)/.exec(line)?.[1] ?? [])
          .filter((text) => text.startsWith(domain)),
        [`${domain} ${seconds} 1`],
      )
    })
  }
})

describe('when no retry interval is left', () => {
  let server: Scripted
  let relay: Scripted
  let reports: Scripted
  let haraka: HarakaServer

  before(async () => {
    server = await startScripted({
      script: (verb, rest) => {
        if (verb !== 'RCPT') return undefined
        return rest.includes('blocked@') ? '550 5.7.1 S3140' : '451 4.7.1 Greylisted'
      },
    })
    relay = await startScripted()
    reports = await startScripted()
    haraka = await HarakaServer.start({
      overrides: `
client.example 127.0.0.1:${reports.port} $end
* 127.0.0.1:${relay.port} $reply~=*S3140 $end
* 127.0.0.1:${relay.port} $reply~=*Greylisted $again:1s $end
* 127.0.0.1:${server.port}
`,
      outbound: ['temp_fail_intervals=none', 'local_mx_ok=true'],
    })
  })

  after(async () => {
    await haraka?.close()
    await Promise.all([server, relay, reports].map((each) => each?.close()))
  })

  it('a refusal that a line rescues is tried again', async () => {
    await haraka.send({ from: 's@client.example', to: 'blocked@d.example' })
    await haraka.waitFor(() => relay.taken.length > 0, 'the relay', [relay])
    await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
    assert.equal(reports.taken.length, 0)
  })

  it('a deferral bounces in spite of $again', async () => {
    const taken = relay.taken.length
    await haraka.send({ from: 's@client.example', to: 'later@d.example' })
    await haraka.waitFor(() => reports.taken.length > 0, 'the report', [reports])
    assert.match(reports.taken[0]!.data, /Too many failures/)
    assert.equal(relay.taken.length, taken)
  })
})
