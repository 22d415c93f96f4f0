import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECURE, credentials, makeSession, play, HELLO, ENVELOPE } from '../support/session-play'

test('LOGIN prompts twice and CRAM-MD5 once, and not more', () => {
  for (const [mechanism, prompts] of [
    ['LOGIN', 2],
    ['CRAM-MD5', 1],
  ] as const) {
    const conversation = makeSession({ credentials })
    play(conversation, [...HELLO, [`S: 250 AUTH ${mechanism}`], [`C: AUTH ${mechanism}`]], SECURE)
    for (let i = 0; i < prompts; i++) assert.match(play(conversation, [['S: 334 Pz8=']], SECURE), /^334/)
    assert.equal(play(conversation, [['S: 334 Pz8=']], SECURE), 'it asked too often: 334 Pz8=')
  }
})

test('AUTH=PLAIN is passed to Haraka as AUTH PLAIN', () => {
  for (const [offers, becomes] of [
    [['S: 250-x', 'S: 250 AUTH=PLAIN'], '250 AUTH PLAIN'],
    [['S: 250-x', 'S: 250-AUTH LOGIN', 'S: 250 AUTH=PLAIN LOGIN'], '250 AUTH LOGIN PLAIN'],
    [['S: 250-x', 'S: 250 auth=plain'], '250 AUTH PLAIN'],
  ] as const) {
    const conversation = makeSession({ credentials })
    assert.equal(play(conversation, [...HELLO, ...offers.map((text) => [text] as const)], SECURE), becomes)
    assert.ok(conversation.extensions.mechanisms.includes('PLAIN'))
  }
})

test('a 5xx that asks for authentication, by code or text, is a failure of a relay, and final at an MX host', () => {
  for (const [reply, asks] of [
    ['530 5.7.0 Authentication required', true],
    ['550 5.7.8 Bad credentials', true],
    ['554 5.7.9 Mechanism too weak', true],
    ['550 5.7.1 Client was not authenticated', true],
    ['550 5.7.0 Please authenticate first', true],
    ['550-Please turn on SMTP Authentication in your mail client.\r\n', true],
    ['550 SMTP AUTH is required for this', true],
    ['554 You must log in to send', true],
    ['503 5.5.4 need EHLO and AUTH first', true],
    ['553 5.7.1 <a@b.example>: Sender address rejected: not logged in', true],
    ['550 Login required', true],
    ['550 5.7.1 Unauthenticated senders not allowed', true],
    ['553 5.7.1 <a@b.example>: Sender address rejected: not owned by user fred', false],
    ['550 5.7.1 Relaying denied', false],
    ['550 5.7.0 rejected by policy', false],
    ['550 5.7.26 Unauthenticated email is not accepted due to the DMARC policy', false],
    ['550 5.7.23 SPF validation failed, authentication required', false],
    ['550 5.1.1 no such user', false],
    ['450 4.7.1 please authenticate', false],
  ] as const) {
    for (const isRelay of [true, false]) {
      const text = reply.trim().replace('550-', '550 ')
      const becomes = play(makeSession({ isRelay }), [...ENVELOPE, [`S: ${text}`]])
      assert.equal(becomes, isRelay && asks ? `it asks for authentication: ${text}` : text)
    }
  }
})
