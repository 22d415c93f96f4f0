import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diagnose, printed } from '../support/rules'

/** A text as it comes out when its bytes are taken for UTF-8. */
const decode = (bytes: Buffer) => bytes.toString('utf8')
const FILE = 'dns_cache_size = 5\n* smtp.example.net\n[relay:isp]\nhost = h\nuser = u\npassword = pässwört\n'

describe('a file that is not UTF-8 is one error', () => {
  const utf16 = Buffer.from(FILE, 'utf16le')
  const rows: (readonly [name: string, bytes: Buffer, place: string, message: string])[] = [
    [
      'UTF-16LE with a byte order mark',
      Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]),
      '1:1',
      'this file is UTF-16',
    ],
    ['UTF-16LE', utf16, '1:1', 'this file is UTF-16'],
    [
      'UTF-16BE with a byte order mark',
      Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(utf16).swap16()]),
      '1:1',
      'this file is UTF-16',
    ],
    ['UTF-16BE', Buffer.from(utf16).swap16(), '1:1', 'this file is UTF-16'],
    ['Latin-1, in a password', Buffer.from(FILE, 'latin1'), '6:13', 'bytes that are not UTF-8'],
    ['Latin-1, in a comment', Buffer.from('; für alle\n* h\n', 'latin1'), '1:4', 'bytes that are not UTF-8'],
    ['a NUL', Buffer.from('* h\n* i\0j $nonsense\n'), '2:4', 'a NUL character: this is not a text file'],
  ]
  for (const [name, bytes, place, message] of rows) {
    it(name, () => {
      const found = diagnose(decode(bytes))
      assert.deepEqual(
        found.map(({ span, ...rest }) => [`${span.line}:${span.column}`, rest.code, rest.message]),
        [[place, 'not-utf-8', message]],
      )
      assert.doesNotMatch(JSON.stringify(found), /ssw.?rt/)
    })
  }

  it('explains how to save the file as UTF-8', () => {
    assert.equal(
      printed(decode(Buffer.from('[relay:isp]\npassword = \xe4b\n', 'latin1'))),
      `f.ini:2:12: error: bytes that are not UTF-8
  password = **
             ^
  note: *** hides what may be a password
  expected: UTF-8: save the file so, or convert it, for example with iconv -f ISO-8859-1 -t UTF-8`,
    )
  })

  it('a byte order mark of UTF-8 and letters of any script are accepted', () => {
    assert.deepEqual(diagnose(`\ufeff; für alle\n${FILE}`), [])
  })
})
