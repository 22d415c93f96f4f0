import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runProcess } from '../support/cli'
import { a, cname, mx, startZone, type ZoneServer } from '../support/dns-scripted'
import type { HarakaServer } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'
import { fetchUntil, startWithHttp } from '../support/status-server'

// What strangers and colleagues write, wherever an operator looks: the page, the metrics and the commands.

/** Markup, quotes, a line break, ESC, a bidirectional override and a zero-width space. */
const REASON = '<script>alert("x")</script>\'&"> a\nb\u001b[2J\u202egnp\u200bz'
/** Markup and quotes in a label, and the octets of a bidirectional override in another. */
const MARKUP_MX = String.raw`<script>alert("x")</script>'&.\226\128\174gnp.evil.example`
const CONTROL_MX = String.raw`\027[2J\010<script>.evil.example`
/** All but the line ends of an output. */
const UNPRINTABLE = /[^\P{C}\n]/u

let zone: ZoneServer
let sink: Sink
let haraka: HarakaServer
let root: string

const dnsOverrides = async (...words: string[]) => {
  const { out, err } = await runProcess(words, { cwd: haraka.folder })
  return out + err
}
const get = async (path: string) => (await fetch(`${root}/${path}`)).text()

before(async () => {
  sink = await startSink()
  zone = await startZone({
    'markup.example': [mx(10, MARKUP_MX)],
    'control.example': [mx(10, CONTROL_MX)],
    'beside.example': [mx(10, MARKUP_MX), mx(20, 'mx.evil.example')],
    'alias.example': [cname(MARKUP_MX)],
    'mx.evil.example': [a('127.0.0.1')],
  })
  const started = await startWithHttp({
    overrides: [
      `dns_servers = 127.0.0.1:${zone.port}`,
      'held.example @held $end',
      '* @terms $dnsmx:*outlook* $end',
      '[direct]',
      `port = ${sink.port}`,
      '[direct:terms]',
      '[relay:held]',
      'host = 127.0.0.1',
      `port = ${sink.port}`,
    ].join('\n'),
    outbound: ['temp_fail_intervals=1h', 'local_mx_ok=true'],
  })
  haraka = started.haraka
  root = started.root
})

after(async () => {
  await haraka.close()
  await zone.stop()
  await sink.close()
})

function assertPrintable(text: string, where: string): void {
  assert.doesNotMatch(text, UNPRINTABLE, `${where}: ${text}`)
}

function assertHarmlessPage(page: string): void {
  assertPrintable(page, 'page')
  assert.equal(page.match(/<script/gi)?.length, 1, 'the script of the page alone')
  assert.ok(!page.includes('alert("x")'), page)
}

test('the reason of a hold is plain text on the page and in each command', async () => {
  const held = await dnsOverrides('relays', '--hold', 'held', '--reason', REASON)
  const to = 'b@held.example'
  await haraka.send({ from: 'a@here.example', to })
  await fetchUntil(`${root}/`, (text) => text.includes('relay held is held by hand'))
  for (const query of ['', `?id=${to}`, `?to=${to}`]) {
    const page = await get(query)
    assert.ok(
      page.includes('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;&quot;&gt; a\ufffdb'),
      page,
    )
    assertHarmlessPage(page)
  }
  const printed = {
    hold: held,
    relays: await dnsOverrides('relays'),
    'relays --json': await dnsOverrides('relays', '--json'),
    why: await dnsOverrides('why', '--to', to),
    explain: await dnsOverrides('explain', to),
    health: await get('health'),
  }
  for (const [where, text] of Object.entries(printed)) {
    assert.match(text, /<script>alert\(\\?"x\\?"\)<\/script>/, where)
    assertPrintable(text, where)
  }
  assert.doesNotMatch(await get('metrics'), /script|alert/)
})

test('names of MX hosts are plain text, whatever octets a DNS server sends', async () => {
  for (const domain of ['markup.example', 'control.example', 'alias.example', 'beside.example']) {
    const to = `b@${domain}`
    await haraka.send({ from: 'a@here.example', to })
    const row = new RegExp(`b@${domain}[^]*?badge[^>]*>(?:delivered|deferred|bounced)<`)
    const page = await fetchUntil(`${root}/`, (text) => row.test(text.slice(text.indexOf('id="recent"'))))
    for (const each of [page, await get(`?id=${to}`), await get(`?to=${to}`)]) assertHarmlessPage(each)
    for (const words of [
      ['why', '--to', to],
      ['explain', to],
      ['resolve', domain],
      ['explain', to, '--json'],
      ['resolve', domain, '--json'],
    ]) {
      const text = await dnsOverrides(...words)
      assertPrintable(text, words.join(' '))
    }
  }
  const metrics = await get('metrics')
  assertPrintable(metrics, 'metrics')
  assert.doesNotMatch(metrics, /script|evil/)
  // The log names what is skipped.
  assert.match(haraka.log, /MX 10 .*script.* of beside\.example is skipped: not a host name/)
  assertPrintable(haraka.log, 'log')
})

test('a decision without a deciding line is shown as one of the override lines', async () => {
  const page = await fetchUntil(`${root}/`, (text) => text.includes('b@markup.example'))
  assert.doesNotMatch(page, />lines? </)
})

test('a message that is given up after an attempt has bounced, on the page and for why', async () => {
  sink.answer = (stage) => (stage === 'rcpt' ? { code: 550, text: '5.1.1 <b>unknown</b>' } : undefined)
  const to = 'gone@beside.example'
  await haraka.send({ from: 'a@here.example', to })
  const page = await fetchUntil(`${root}/?domain=beside.example&result=bounced`, (text) =>
    text.includes('bounced</span>: mx.evil'),
  )
  assert.match(page, /<span class="badge bad">bounced<\/span>: .*550 5\.1\.1 &lt;b&gt;unknown/)
  assert.match(await dnsOverrides('why', '--to', to), /^Bounced at .* UTC: 550 5\.1\.1 <b>unknown<\/b>$/m)
  assert.match(await get(`?id=${to}`), /Bounced at .* UTC: 550 5\.1\.1/)
})
