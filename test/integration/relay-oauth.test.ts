import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test, type TestContext } from 'node:test'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { startSink, type Sink } from '../support/smtp-sink'
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint'

const SECRET = 'client-secret-7c21'
const REFRESH = 'refresh-token-93ab'

interface World {
  readonly haraka: HarakaServer
  readonly relay: Sink
  readonly endpoint: TokenEndpoint
}

interface WorldOptions extends Partial<HarakaOptions> {
  /** Lines of the relay besides. */
  readonly relay?: readonly string[]
  readonly lines?: readonly string[]
  readonly endpoint?: TokenEndpoint
  readonly isTokenGood?: (token: string, endpoint: TokenEndpoint) => boolean
}

const CLIENT = [`oauth2_client_secret = ${SECRET}`]

/** A Haraka whose relay takes tokens of an endpoint, all closed when the test ends. */
async function open(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const { relay: more = CLIENT, lines = [], isTokenGood, ...rest } = options
  const endpoint = options.endpoint ?? (await startTokenEndpoint())
  const good = isTokenGood ?? ((token: string, { tokens }: TokenEndpoint) => tokens.includes(token))
  const relay = await startSink({
    tls: 'server',
    methods: ['XOAUTH2'],
    isTokenGood: (token) => good(token, endpoint),
  })
  const haraka = HarakaServer.install({
    loglevel: 'PROTOCOL',
    ...rest,
    overrides: [
      '* @cloud $priority:1',
      ...lines,
      '[relay:cloud]',
      'host = localhost',
      `port = ${relay.port}`,
      'tls = required',
      'retry_after = 1s',
      'auth_type = xoauth2',
      'user = mail@corp.example',
      `oauth2_token_url = ${endpoint.url}`,
      'oauth2_client_id = the-client',
      'oauth2_scope = smtp.send',
      ...more,
    ].join('\n'),
    env: { NODE_EXTRA_CA_CERTS: resolve('test/fixtures/tls/ca.pem'), ...options.env },
  })
  t.after(async () => {
    await haraka.close()
    await Promise.all([relay.close(), endpoint.close()])
  })
  await haraka.restart()
  return { haraka, relay, endpoint }
}

/** Sends so many messages and waits until the relay has taken them all. */
async function deliver({ haraka, relay }: World, count: number): Promise<void> {
  const before = relay.received.length
  for (let i = 0; i < count; i++) await haraka.send({ to: `u${before + i}@d.example` })
  await haraka.waitFor(
    () => relay.received.length >= before + count && haraka.queueFiles().length === 0,
    `${count} deliveries`,
    [relay],
  )
  assert.equal(relay.received.length, before + count, 'each once')
}

/** Nothing of a secret or a token is in the log, in whichever form. */
function assertNoSecret({ haraka, endpoint }: World): void {
  const secrets = [SECRET, REFRESH, ...endpoint.tokens]
  for (const secret of secrets) {
    assert.ok(!haraka.log.includes(secret), 'a secret is in the log')
    const response = Buffer.from(`user=mail@corp.example\x01auth=Bearer ${secret}\x01\x01`).toString('base64')
    assert.ok(!haraka.log.includes(response.slice(30, 90)), 'a response is in the log')
  }
}

test('client credentials: all messages use one token, which is not in the log', async (t) => {
  const world = await open(t)
  await deliver(world, 3)
  const { endpoint, relay, haraka } = world
  assert.equal(endpoint.requests.length, 1)
  assert.deepEqual(Object.fromEntries(endpoint.requests[0]!), {
    grant_type: 'client_credentials',
    client_id: 'the-client',
    client_secret: SECRET,
    scope: 'smtp.send',
  })
  assert.ok(relay.received.every(({ secure, user }) => secure && user === 'mail@corp.example'))
  assert.match(haraka.log, /C: AUTH XOAUTH2 \*\*\*\*/)
  assertNoSecret(world)
})

test('a token that the relay no longer accepts is replaced at once, without counting an attempt', async (t) => {
  const expired = new Set<string>()
  const world = await open(t, {
    isTokenGood: (token, { tokens }) => tokens.includes(token) && !expired.has(token),
  })
  const { haraka, endpoint } = world
  await deliver(world, 2)
  expired.add(endpoint.tokens[0]!)
  const mark = haraka.mark()
  await deliver(world, 2)
  assert.equal(endpoint.requests.length, 2)
  assert.match(
    haraka.since(mark),
    /relay cloud: it refused the token \(status 401, scope smtp\.send\): .*another token is asked for/,
  )
  assert.deepEqual(haraka.lines(/is left out|Temp fail|bouncing/, mark), [])
  assertNoSecret(world)
})

test('a token that the relay never accepts is replaced once, then the relay has failed', async (t) => {
  const backup = await startSink()
  t.after(() => backup.close())
  const world = await open(t, {
    isTokenGood: () => false,
    lines: [`* 127.0.0.1:${backup.port} $priority:2`],
  })
  const { haraka, endpoint, relay } = world
  await haraka.send({ to: 'u@d.example' })
  await haraka.waitFor(() => backup.received.length === 1, 'the delivery elsewhere', [backup])
  assert.equal(endpoint.requests.length, 2)
  assert.equal(relay.received.length, 0)
  assert.match(
    haraka.log,
    /relay cloud is left out for 1 s: it refused the token \(status 401, scope smtp\.send\)/,
  )
  // The relay is tried again and again by others, and no third token is asked for meanwhile.
  for (let i = 0; i < 5; i++) await haraka.send({ to: `v${i}@d.example` })
  await haraka.waitFor(() => backup.received.length === 6, 'the deliveries elsewhere', [backup])
  assert.equal(endpoint.requests.length, 2)
  assertNoSecret(world)
})

test('200 messages that wait for a token cause one request, and use no sending thread', async (t) => {
  const other = await startSink()
  t.after(() => other.close())
  let release = () => {}
  const gate = new Promise<undefined>((done) => (release = () => done(undefined)))
  const world = await open(t, {
    loglevel: 'INFO',
    endpoint: await startTokenEndpoint(() => gate),
    lines: ['mx_sending_threads = 20', `other.example 127.0.0.1:${other.port} $priority:0 $end`].toReversed(),
  })
  const { haraka, endpoint, relay } = world
  await haraka.send({ to: Array.from({ length: 200 }, (_, i) => `u@d${i}.example`) })
  await haraka.waitFor(() => haraka.lines(/relay cloud needs a token/).length >= 200, 'all wait')
  await haraka.send({ to: 'u@other.example' })
  await haraka.waitFor(() => other.received.length === 1, 'other mail', [other])
  release()
  await haraka.waitFor(() => relay.received.length >= 200, 'the deliveries', [relay])
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
  assert.equal(relay.received.length, 200)
  assert.equal(endpoint.requests.length, 1)
  assertNoSecret(world)
})

test('a new refresh token is used from memory, and logged once', async (t) => {
  let valid = ''
  const next = (number: number) => `rotated-refresh-token-${number}`
  const endpoint = await startTokenEndpoint((_, number) => ({
    body: {
      access_token: `short-${number}-AbCdEfGh`,
      token_type: 'bearer',
      expires_in: 3600,
      refresh_token: next(number),
    },
  }))
  const world = await open(t, {
    endpoint,
    relay: [`oauth2_refresh_token = ${REFRESH}`],
    isTokenGood: (token) => token === valid || token === endpoint.tokens.at(-1),
  })
  const { haraka } = world
  await deliver(world, 1)
  // The relay takes none but the next token from now on.
  for (const round of [1, 2]) {
    valid = ''
    endpoint.answer = (_, number) => ({
      body: {
        access_token: `short-${number}-AbCdEfGh`,
        token_type: 'bearer',
        refresh_token: next(number),
        id_token: 'not-a-token',
      },
    })
    const before = endpoint.tokens.length
    ;(endpoint.tokens as string[]).push(`none-${round}`)
    await deliver(world, 1)
    assert.equal(endpoint.requests.length, round + 1)
    assert.ok(endpoint.tokens.length > before)
  }
  assert.deepEqual(
    endpoint.requests.map((parameters) => parameters.get('refresh_token')),
    [REFRESH, next(0), next(1)],
  )
  assert.equal(endpoint.requests[0]!.get('grant_type'), 'refresh_token')
  assert.equal(haraka.lines(/has given a new refresh token/).length, 1)
  assert.match(haraka.log, /C: AUTH XOAUTH2 \*\*\*\*/)
  assert.doesNotMatch(haraka.log, /rotated-refresh-token/)
  assertNoSecret(world)
})

test('each of two workers has its own token', async (t) => {
  const world = await open(t, { nodes: 2, loglevel: 'INFO' })
  await deliver(world, 8)
  const asked = world.endpoint.requests.length
  assert.ok(asked >= 1 && asked <= 2, String(asked))
  assertNoSecret(world)
})

test('mail waits while the endpoint fails, and is delivered once afterwards', async (t) => {
  const world = await open(t, {
    endpoint: await startTokenEndpoint(() => ({ status: 503, headers: { 'retry-after': '1' }, body: '' })),
  })
  const { haraka, relay, endpoint } = world
  for (const user of ['a', 'b', 'c']) await haraka.send({ to: `${user}@d.example` })
  await haraka.waitFor(() => haraka.lines(/Temp fail/).length >= 3, 'all are deferred')
  assert.match(haraka.log, /Tried all MXs: relay cloud: no token: localhost:\d+ answers with HTTP status 503/)
  assert.equal(relay.connections(), 0)
  endpoint.answer = () => undefined
  await haraka.flushUntil(() => relay.received.length >= 3, 'the deliveries', [relay])
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
  assert.deepEqual(
    relay.received.flatMap(({ rcptTo }) => rcptTo).toSorted(),
    ['a', 'b', 'c'].map((user) => `${user}@d.example`),
  )
  assertNoSecret(world)
})

test('a token that the relay repeats is in neither the queue file nor the report', async (t) => {
  const world = await open(t)
  const { haraka, relay, endpoint } = world
  relay.answer = (stage, _session, address) => {
    if (stage !== 'rcpt') return undefined
    const text = `not so, ${endpoint.tokens[0]?.slice(0, 60)}`
    if (address.startsWith('later')) return { code: 450, text }
    return address.startsWith('never') ? { code: 550, text } : undefined
  }
  await haraka.send({ to: 'later@d.example' })
  await haraka.waitFor(() => haraka.lines(/Some recipients temp failed|Temp fail/).length > 0, 'the deferral')
  await haraka.send({ to: 'never@d.example', from: 'sender@s.example' })
  await haraka.waitFor(() => relay.received.some(({ mailFrom }) => mailFrom === ''), 'the report', [relay])
  const files = haraka.queueFiles().map((name) => readFileSync(join(haraka.folder, 'queue', name), 'utf8'))
  assert.ok(
    files.some((text) => text.includes('not so, ****')),
    files.join('\n'),
  )
  const report = relay.received.find(({ mailFrom }) => mailFrom === '')
  assert.match(report!.data, /not so, \*\*\*\*/)
  for (const text of [...files, report!.data, haraka.log])
    assert.ok(!text.includes(endpoint.tokens[0]!.slice(0, 40)))
  assertNoSecret(world)
})

test('a missing token is $failed=auth, so that a line can choose another relay for the next attempt', async (t) => {
  const backup = await startSink()
  t.after(() => backup.close())
  const world = await open(t, {
    endpoint: await startTokenEndpoint(() => ({ status: 400, body: { error: 'invalid_grant' } })),
    lines: [`* 127.0.0.1:${backup.port} $failed=auth $priority:0`],
  })
  const { haraka, relay } = world
  await haraka.send({ to: 'u@d.example' })
  await haraka.waitForLog(/Temp fail/)
  await haraka.flushUntil(() => backup.received.length > 0, 'the second attempt', [backup])
  await haraka.waitFor(() => haraka.queueFiles().length === 0, 'an empty queue')
  assert.deepEqual([backup.received.length, relay.connections()], [1, 0])
  assertNoSecret(world)
})
