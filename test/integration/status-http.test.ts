import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { test } from 'node:test'
import { needs } from '../support/programs'
import { startSink } from '../support/smtp-sink'
import { fetchUntil, startWithHttp } from '../support/status-server'

// Metrics and health on Haraka's own HTTP server.

/** Keeps the hook waiting: Haraka has added its 404 long before it is done. */
const SLOW_PLUGIN = `exports.hook_init_http = (next) => { setTimeout(next, 500) }`

for (const nodes of [0, 3]) {
  const who = nodes === 0 ? 'one process' : 'three workers'
  test(`metrics of ${who} are complete from any worker, beside a plugin that is slow at init_http`, async (t) => {
    const sink = await startSink()
    t.after(() => sink.close())
    const { haraka, root } = await startWithHttp({
      nodes,
      overrides: `example.com @isp $end\n* @isp\n[relay:isp]\nhost = 127.0.0.1\nport = ${sink.port}\nmax_per_hour = 100\n`,
      plugins: { slow: SLOW_PLUGIN },
    })
    t.after(() => haraka.close())
    for (let i = 0; i < 12; i++)
      await haraka.send({ from: 'secret.sender@here.example', to: `u${i}@example.com` })
    const delivered = 'haraka_dns_overrides_connections_total{relay="isp",result="delivered"} 12'
    const text = await fetchUntil(
      `${root}/metrics`,
      (metrics) =>
        metrics.includes(delivered) &&
        metrics.includes('rule_hits_total{line="1"} 12') &&
        metrics.includes('relay_quota_left{relay="isp"} 88'),
    )
    const lines = text.split('\n')
    for (const line of [
      'haraka_dns_overrides_decisions_total{source="overrides",action="try"} 12',
      'haraka_dns_overrides_decision_seconds_count 12',
      'haraka_dns_overrides_decision_seconds_bucket{le="+Inf"} 12',
      'haraka_dns_overrides_rules 2',
      'haraka_dns_overrides_rules_never_hit 1',
      'haraka_dns_overrides_relay_up{relay="isp"} 1',
      'haraka_dns_overrides_relay_max_per_hour{relay="isp"} 100',
      `haraka_dns_overrides_workers ${Math.max(1, nodes)}`,
      'haraka_dns_overrides_last_reload_successful 1',
      'haraka_dns_overrides_messages_waiting{reason="held"} 0',
    ]) {
      assert.ok(lines.includes(line), `${line}\n${text}`)
    }
    assert.doesNotMatch(text, /secret\.sender|example\.com/, 'no address and no domain')
  })
}

test('promtool accepts the metrics', { skip: needs('promtool') }, async (t) => {
  const { haraka, root } = await startWithHttp({ overrides: '* 127.0.0.1:1\nx.example $direct\n' })
  t.after(() => haraka.close())
  await haraka.send({ from: 'a@here.example', to: 'b@example.com' })
  const text = await fetchUntil(`${root}/metrics`, (metrics) => metrics.includes('connections_total{'))
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  })
  assert.deepEqual([status, stdout, stderr], [0, '', ''], text)
})

test('health is 503 with the reason while no relay can be used, and 200 otherwise', async (t) => {
  const { haraka, root } = await startWithHttp({
    overrides: '* @isp\n[relay:isp]\nhost = 127.0.0.1\nport = 1\n',
    outbound: ['temp_fail_intervals=1h', 'local_mx_ok=true'],
  })
  t.after(() => haraka.close())
  await fetchUntil(`${root}/health`, (body) => body.includes('"ok"'))
  await haraka.send({ from: 'a@here.example', to: 'b@example.com' })
  const body = await fetchUntil(`${root}/health`, (text) => text.includes('"failing"'))
  assert.match(body, /no relay can be used: @isp is left out until .* no connection/)
  assert.equal((await fetch(`${root}/health`)).status, 503)
})

test('only GET is allowed, only from the addresses of [status] allow, without caching or embedding', async (t) => {
  const { haraka, root } = await startWithHttp({ overrides: '[status]\nproxies = 127.0.0.0/8\n' })
  t.after(() => haraka.close())
  const get = async (path: string, options?: RequestInit) => {
    const response = await fetch(`${root}${path}`, { redirect: 'manual', ...options })
    await response.arrayBuffer()
    return response
  }
  const forwarded = (text: string) => ({ headers: { 'x-forwarded-for': text } })
  assert.equal((await get('/health', forwarded('127.0.0.9'))).status, 200)
  assert.equal((await get('/health', forwarded('192.0.2.9'))).status, 403)
  assert.equal((await get('/health', forwarded('127.0.0.1, 192.0.2.9, 127.0.0.1'))).status, 403)
  for (const named of ['for=127.0.0.1', 'for=192.0.2.9;proto=http']) {
    assert.equal((await get('/health', { headers: { forwarded: named } })).status, 403, named)
  }
  const both = { 'x-forwarded-for': '127.0.0.9', forwarded: 'for=127.0.0.9' }
  assert.equal((await get('/health', { headers: both })).status, 200)
  for (const method of ['POST', 'PUT', 'DELETE', 'HEAD']) {
    assert.equal((await get('/metrics', { method })).status, 405, method)
  }
  assert.equal((await get('/elsewhere')).status, 404)
  const root301 = await get('')
  assert.deepEqual([root301.status, root301.headers.get('location')], [301, 'dns-overrides/'])
  assert.equal((await get('?id=a%22')).headers.get('location'), 'dns-overrides/?id=a%22')
  assert.equal((await get('', { method: 'POST' })).status, 405)
  assert.equal((await get('', forwarded('192.0.2.9'))).status, 403)
  // URL and fetch would put these right.
  const { pathname } = new URL(root)
  for (const path of ['//[', '//evil.example/', '/../health', '/%', '/?id=%', '/\\\\x']) {
    const status = await statusOf(root, `${pathname}${path}`)
    assert.ok(status === 404 || status === 200 || status === 400, `${path}: ${status}`)
  }
  for (const [target, status] of [
    [`${root}/health`, 200],
    [`HTTP://status.example${pathname}/?id=a`, 200],
    [root, 301],
    [`${pathname.toUpperCase()}/health`, 200],
    [pathname.toUpperCase(), 301],
  ] as const) {
    assert.equal(await statusOf(root, target), status, target)
  }
  assert.equal(haraka.lines(/a request for the status page failed/).length, 0)
  const { headers } = await get('/metrics')
  assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  for (const [name, value] of [
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['content-security-policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"],
  ]) {
    assert.equal(headers.get(name!), value)
  }
})

/** The status of a request with a target that is sent as it is. */
async function statusOf(root: string, target: string): Promise<number> {
  const { hostname, port } = new URL(root)
  const sent = request({ hostname, port, path: target }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.statusCode ?? 0
}
