import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressText } from '../../lib/haraka-files/address-text'
import type { HarakaAddress } from '../../lib/haraka-objects/plugin'

type AddressClass = new (text: string) => HarakaAddress

const { Address: ModernAddress } = require('@haraka/email-address') as { Address: AddressClass }
const { Address: OlderAddress } = require('address-rfc2821') as { Address: AddressClass }

const asWritten: [string, string][] = [
  ['<>', ''],
  ['<fred@example.com>', 'fred@example.com'],
  ['<Fred@Example.COM>', 'Fred@Example.COM'],
  ['<"fred joe"@example.com>', '"fred joe"@example.com'],
  ['<"a@b"@example.com>', '"a@b"@example.com'],
  ['<postmaster>', 'postmaster'],
  ['<fred@[192.0.2.1]>', 'fred@[192.0.2.1]'],
  ['<fred@bücher.example>', 'fred@bücher.example'],
]
const classes: [string, AddressClass][] = [
  ['@haraka/email-address', ModernAddress],
  ['address-rfc2821', OlderAddress],
]
for (const [name, Address] of classes) {
  test(`addresses of ${name} are read, new and from a queue file`, () => {
    for (const [written, text] of asWritten) {
      const address = new Address(written)
      assert.equal(addressText(address), text)
      assert.equal(addressText(JSON.parse(JSON.stringify(address))), text)
    }
  })
}
