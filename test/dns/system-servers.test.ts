import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SystemServers } from '../../lib/dns/system-servers'
import { FakeClock } from '../support/dns-resolver'

const udp = (address: string, port = 53) => ({ address, port, transport: 'udp' })

const FILES: readonly (readonly [text: string, servers: object[]])[] = [
  ['nameserver 192.0.2.1\nnameserver 2001:db8::1\n', [udp('192.0.2.1'), udp('2001:db8::1')]],
  ['# nameserver 192.0.2.9\nsearch example.com\n\tnameserver\t192.0.2.1 # comment\n', [udp('192.0.2.1')]],
  ['nameserver fe80::1%eth0\n', [udp('fe80::1%eth0')]],
  ['nameserver 192.0.2.1:5353\nnameserver [::1]:5353\n', [udp('192.0.2.1', 5353), udp('::1', 5353)]],
  ['nameserver dns.example\nnameserver 192.0.2.1:0\nnameserver 192.0.2.300\n', [udp('127.0.0.1')]],
  ['', [udp('127.0.0.1')]],
]

test('reads the servers of resolv.conf', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'resolv-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'resolv.conf')
  for (const [text, servers] of FILES) {
    await t.test(JSON.stringify(text), () => {
      writeFileSync(path, text)
      assert.deepEqual(new SystemServers(path, Date.now).readIfChanged(), servers)
    })
  }
})

test('follows the file when it is written, replaced, removed and restored', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'resolv-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'resolv.conf')
  const clock = new FakeClock()
  const servers = new SystemServers(path, clock.now)
  const changed = () => {
    clock.pass(2)
    return servers.readIfChanged()
  }
  assert.deepEqual(servers.readIfChanged(), [udp('127.0.0.1')], 'without a file: the machine itself')
  writeFileSync(path, 'nameserver 192.0.2.1\n')
  assert.equal(servers.readIfChanged(), undefined, 'not looked at more often than every 2 s')
  assert.deepEqual(changed(), [udp('192.0.2.1')])
  assert.equal(changed(), undefined, 'unchanged')
  writeFileSync(join(folder, 'new'), 'nameserver 192.0.2.22\n')
  renameSync(join(folder, 'new'), path)
  assert.deepEqual(changed(), [udp('192.0.2.22')], 'replaced')
  unlinkSync(path)
  assert.equal(changed(), undefined, 'a file that is gone for a moment changes nothing')
  writeFileSync(path, 'nameserver 192.0.2.3\n')
  assert.deepEqual(changed(), [udp('192.0.2.3')])
})
