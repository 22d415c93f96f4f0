import { Packet } from 'dns2'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OctetReader } from '../../lib/dns/octet-reader'
import {
  aaaaRecord,
  aRecord,
  cnameRecord,
  encodeRecord,
  mxRecord,
  optRecord,
  soaRecord,
} from '../support/dns-wire'

// Stands in for the reader of dns2 3.1 (dns2 `lib/reader.js`): whatever that reads, this must read.
test('the octet reader reads what the reader of dns2 does', () => {
  const bytes = Buffer.from(Array.from({ length: 64 }, (_, i) => (i * 167 + 251) & 0xff))
  const fields: readonly (readonly number[])[] = [
    [8, 8, 16, 32, 8, 16, 8, 32],
    [16, 1, 4, 1, 1, 1, 1, 1, 1, 1, 4, 16, 16, 16, 16],
    [3, 5, 2, 6, 7, 1],
    Array.from({ length: 16 }, () => 32),
  ]
  for (const sizes of fields) {
    const ours = new OctetReader(bytes, 0)
    const theirs = new Packet.Reader(bytes)
    for (const bits of sizes) {
      assert.equal(ours.read(bits), theirs.read(bits))
      assert.equal(ours.offset, theirs.offset)
      assert.equal(ours.remaining(), theirs.remaining())
    }
  }
})

test('and refuses what that refuses', () => {
  for (const bits of [1, 8, 16, 32]) {
    assert.throws(() => new OctetReader(Buffer.alloc(4), 4).read(bits), RangeError)
  }
  assert.throws(() => new OctetReader(Buffer.alloc(4), 1).read(32), RangeError)
})

test('every record that is used is decoded alike with either', () => {
  const records = [
    mxRecord('a.example', 10, 'mx.example', 2 ** 32 - 1),
    aRecord('a.example', '192.0.2.255'),
    aaaaRecord('a.example', '2001:db8::ffff'),
    cnameRecord('a.example', 'b.example'),
    soaRecord('example', 60),
    optRecord(1232, 16),
  ]
  for (const record of records) {
    const bytes = encodeRecord(record)
    const ours = Packet.Resource.parse(new OctetReader(bytes, 0))
    assert.deepEqual(ours, Packet.Resource.parse(new Packet.Reader(bytes)))
  }
})
