import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { Dialogue } from '../../../lib/smtp/session'
import { ConnectionGuard } from '../../../lib/haraka/delivery/guarded-socket'
import type { HarakaSocket, UpgradeCallback } from '../../../lib/haraka/delivery/types'

test('what a certificate says comes into the log without control characters and not at length', () => {
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
  const guard = new ConnectionGuard(
    {
      socket,
      dialogue: new Dialogue({
        tls: 'required',
        implicitTls: true,
        lmtp: false,
        credentials: false,
        authType: undefined,
        allowPlaintextAuth: false,
      }),
      label: 'relay',
      host: 'relay.example',
      verify: true,
      implicitTls: {},
      begin: () => assert.fail('nothing may be said here'),
      giveUp: () => {},
    },
    { failed: ({ message }) => failures.push(message), accepted: () => {}, closed: () => {} },
  )
  guard.start()
  assert.equal(failures.length, 1)
  assert.match(failures[0]!, /^its certificate is not good for relay\.example: .*CN: a\?\[31m\?bc/)
  assert.ok(failures[0]!.length < 400)
})
