import assert from 'node:assert/strict'
import { Packet } from 'dns2'
import { test } from 'node:test'
import { OctetReader } from '../../lib/dns/octet-reader'
import { randomFrom } from '../support/dns-fuzz'

test('reads what dns2 3.1.1 reads with its own reader', () => {
  const random = randomFrom(1035, 0)
  const bytes = Buffer.from(Array.from({ length: 600 }, () => Math.floor(random() * 256)))
  const theirs = new Packet.Reader(bytes)
  const ours = new OctetReader(bytes, 0)
  // Whole octets at any place, and the header's bits (lib `packet.js`, Packet.Header.parse).
  for (const bits of [
    16,
    1,
    4,
    1,
    1,
    1,
    1,
    1,
    1,
    1,
    4,
    16,
    ...Array.from({ length: 200 }, (_, i) => [8, 16, 32][i % 3]!),
  ]) {
    assert.equal(ours.read(bits), theirs.read(bits), `${bits} bits`)
    assert.equal(ours.offset, theirs.offset)
    assert.equal(ours.remaining(), theirs.remaining())
  }
})

test('starts at an octet, goes where it is put, and throws past the end', () => {
  const reader = new OctetReader(Buffer.from([1, 2, 3, 4]), 2)
  assert.equal(reader.read(8), 3)
  reader.offset = 0
  assert.equal(reader.read(32), 0x01020304)
  assert.equal(reader.remaining(), 0)
  for (const bits of [1, 8, 16, 32]) assert.throws(() => reader.read(bits), RangeError)
  reader.offset = 24
  assert.throws(() => reader.read(16), RangeError)
})
