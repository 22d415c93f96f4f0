import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OAuth2Client, TokenState } from '../../lib/model/oauth2'
import { Secret } from '../../lib/model/secret'
import { TokenError } from '../../lib/oauth/token-error'
import type { TokenGrant } from '../../lib/oauth/token-request'
import { TokenSource } from '../../lib/oauth/token-source'
import { TokenStore } from '../../lib/oauth/token-store'
import { relayOf } from '../support/servers'

const SECOND = 1000
const MINUTE = 60 * SECOND

const CLIENT: OAuth2Client = {
  tokenUrl: 'https://login.example/token',
  clientId: 'id',
  clientSecret: new Secret('s'),
}

/** A source with a clock, and an endpoint that answers when it is told to. */
class World {
  now = 1_000_000
  readonly asked: OAuth2Client[] = []
  rotations = 0
  #open: { readonly resolve: (grant: TokenGrant) => void; readonly reject: (error: Error) => void }[] = []
  readonly source: TokenSource

  constructor(client = CLIENT) {
    this.source = new TokenSource({
      client,
      request: (asking) => {
        this.asked.push(asking)
        return new Promise((resolve, reject) => this.#open.push({ resolve, reject }))
      },
      now: () => this.now,
      onRotation: () => this.rotations++,
    })
  }

  /** What is there now: `ready TOKEN`, `pending` or `failed REASON`. */
  look(): string {
    return describe(this.source.look())
  }

  /** The token that is there now. */
  token(): Secret {
    const state = this.source.look()
    assert.equal(state.kind, 'ready')
    return (state as Extract<TokenState, { kind: 'ready' }>).token
  }

  async give(token: string, rest: Omit<TokenGrant, 'token'> = {}): Promise<void> {
    this.#open.shift()!.resolve({ token: new Secret(token), ...rest })
    await settle()
  }

  async fail(error: Error): Promise<void> {
    this.#open.shift()!.reject(error)
    await settle()
  }
}

const settle = () => new Promise((done) => setImmediate(done))

const describe = (state: TokenState) => {
  if (state.kind === 'ready') return `ready ${state.token.reveal()}`
  return state.kind === 'failed' ? `failed ${state.message}` : 'pending'
}

test('all callers share one request, and continue when it is answered', async () => {
  const world = new World()
  const states = Array.from({ length: 500 }, () => world.source.look())
  assert.ok(states.every(({ kind }) => kind === 'pending'))
  await world.give('one')
  await Promise.all(states.map((state) => state.kind === 'pending' && state.settled))
  assert.equal(world.look(), 'ready one')
  assert.equal(world.asked.length, 1)
})

test('a token is renewed before its end, and used meanwhile', async () => {
  const world = new World()
  world.look()
  await world.give('one', { lifetimeMs: 60 * MINUTE })
  world.now += 54 * MINUTE
  assert.equal(world.look(), 'ready one')
  assert.equal(world.asked.length, 1)
  world.now += 2 * MINUTE
  assert.equal(world.look(), 'ready one')
  assert.equal(world.look(), 'ready one')
  assert.equal(world.asked.length, 2)
  await world.give('two', { lifetimeMs: 60 * MINUTE })
  assert.equal(world.look(), 'ready two')
})

test('after a failed renewal the token is used until its end', async () => {
  const world = new World()
  world.look()
  await world.give('one', { lifetimeMs: 60 * MINUTE })
  world.now += 56 * MINUTE
  world.look()
  await world.fail(new TokenError('answers with HTTP status 500'))
  assert.equal(world.look(), 'ready one')
  assert.equal(world.asked.length, 2, 'not asked again at once')
  world.now += 4 * MINUTE
  assert.equal(world.look(), 'pending')
})

test('a token without an end is used for an hour, and one that has already ended for half a minute', async () => {
  const world = new World()
  world.look()
  await world.give('one')
  world.now += 59 * MINUTE
  assert.equal(world.look(), 'ready one')
  await world.give('two', { lifetimeMs: 0 })
  world.now += 20 * SECOND
  assert.equal(world.look(), 'ready two')
  world.now += 11 * SECOND
  assert.match(world.look(), /pending/)
})

test('after a failure the endpoint is not asked for 5 s, doubling to a minute, or for as long as it says', async () => {
  const world = new World()
  for (const pause of [5, 10, 20, 40, 60, 60]) {
    assert.equal(world.look(), 'pending')
    await world.fail(new TokenError('refuses the connection'))
    world.now += pause * SECOND - 1
    assert.equal(world.look(), 'failed no token: login.example refuses the connection')
    world.now += 1
  }
  world.look()
  await world.fail(new TokenError('answers with HTTP status 429', 600 * SECOND))
  world.now += 599 * SECOND
  assert.match(world.look(), /failed/)
  world.now += SECOND
  assert.equal(world.look(), 'pending')
  await world.give('one')
  assert.equal(world.look(), 'ready one')
})

test('a refused token is replaced once, then the refusal counts for a while', async () => {
  const world = new World()
  world.look()
  await world.give('one')
  const one = world.token()
  assert.equal(world.source.refuse(one), true)
  assert.equal(world.source.refuse(one), true, 'another message with the same token')
  assert.equal(world.look(), 'pending')
  assert.equal(world.asked.length, 2)
  await world.give('two')
  assert.equal(world.source.refuse(one), true, 'a message that comes late')
  const two = world.token()
  assert.equal(world.source.refuse(two), false)
  assert.match(world.look(), /failed it has just refused the token/)
  assert.equal(world.asked.length, 2)
  world.now += 31 * SECOND
  assert.equal(world.look(), 'pending')
  await world.give('three')
  assert.equal(world.source.refuse(world.token()), false, 'it was got because of a refusal too')
})

test('after a server has accepted it a token may be replaced again', async () => {
  const world = new World()
  world.look()
  await world.give('one')
  world.source.refuse(world.token())
  await world.give('two')
  const two = world.token()
  world.source.accept(two)
  assert.equal(world.source.refuse(two), true)
})

test('a new refresh token is used for later requests, and reported once', async () => {
  const world = new World({ ...CLIENT, refreshToken: new Secret('first') })
  world.look()
  await world.give('one', { refreshToken: new Secret('second') })
  world.source.refuse(world.token())
  await world.give('two', { refreshToken: new Secret('third') })
  world.now += 61 * MINUTE
  world.look()
  assert.deepEqual(
    world.asked.map(({ refreshToken }) => refreshToken?.reveal()),
    ['first', 'second', 'third'],
  )
  assert.equal(world.rotations, 1)
})

test('relays with the same client share a token over a reload, and another client has its own', async () => {
  let asked = 0
  const store = new TokenStore({
    request: async () => ({ token: new Secret(`token-${asked++}`) }),
    now: () => 0,
    warn: () => {},
  })
  const relay = (oauth2: OAuth2Client) => relayOf({ host: 'a.example', credentials: { user: 'u', oauth2 } })
  const look = (one: ReturnType<typeof relay>) => {
    const state = store.look(one)
    return state === undefined ? 'none' : describe(state)
  }
  const first = relay(CLIENT)
  assert.equal(look(first), 'pending')
  await settle()
  assert.equal(look(first), 'ready token-0')
  // What a reload makes of the same text.
  const again = relay({ ...CLIENT, clientSecret: new Secret('s') })
  store.retain([again])
  assert.equal(look(again), 'ready token-0')
  const other = relay({ ...CLIENT, clientSecret: new Secret('new') })
  store.retain([other])
  assert.equal(look(other), 'pending')
  await settle()
  assert.equal(look(other), 'ready token-1')
  assert.equal(look(relayOf({ host: 'b.example' })), 'none')
})
