import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { Session } from '../../../lib/smtp/session'
import { GuardedSocket } from '../../../lib/haraka/delivery/guarded-socket'
import type { HarakaSocket, UpgradeCallback } from '../../../lib/haraka-objects/socket'

test('text of a certificate is logged without control characters and is cut', () => {
  const certificate = { subject: { CN: `a\u001b[31m\nb${'c'.repeat(1_000)}` } } as PeerCertificate
  const error = checkServerIdentity('relay.example', certificate)
  const socket = Object.assign(new EventEmitter(), {
    targetsocket: new EventEmitter(),
    write: () => true,
    upgrade: (_options: Record<string, unknown>, callback?: UpgradeCallback) => callback?.(false, error),
    destroy: () => {},
    isEncrypted: () => true,
  }) as unknown as HarakaSocket
  const failures: string[] = []
  const guard = new GuardedSocket(
    {
      socket,
      session: new Session({
        tls: 'required',
        implicitTls: true,
        lmtp: false,
        isRelay: true,
        allowPlaintextAuth: false,
        nextMx: 'connection',
        recipients: 1,
      }),
      label: 'relay',
      host: 'relay.example',
      verify: true,
      implicitTls: {},
      patience: { greetingMs: 1_000, replyMs: 1_000 },
      begin: () => assert.fail('nothing may be said here'),
      giveUp: () => {},
    },
    { noteFailure: ({ message }) => failures.push(message), noteSuccess: () => {} },
  )
  guard.start()
  assert.equal(failures.length, 1)
  assert.match(failures[0]!, /^its certificate is not good for relay\.example: .*CN: a\ufffd\[31m\ufffdbc/)
  assert.ok(failures[0]!.length < 600)
})
