import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { toPrintable } from '../../lib/model/printable'

const R = '\ufffd'

describe('printable text', () => {
  const rows: (readonly [name: string, text: string, printable: string])[] = [
    ['ASCII', 'joe@example.com ~!', 'joe@example.com ~!'],
    ['letters of other scripts', 'jörg@bücher.example 日本 שלום', 'jörg@bücher.example 日本 שלום'],
    ['an emoji of two code units', 'a\u{1f600}b', 'a\u{1f600}b'],
    [
      'all kinds together',
      'a\r\nb\0\u001b[2J\u0085\u2028\u202e\u007f',
      `a${R}${R}b${R}${R}[2J${R.repeat(4)}`,
    ],
    ['line breaks', 'a\r\nb', `a${R}${R}b`],
    ['a tab', 'a\tb', `a${R}b`],
    ['NUL, BEL and DEL', '\0\u0007\u007f', R.repeat(3)],
    ['a terminal command', 'a\u001b[2Jb', `a${R}[2Jb`],
    ['the C1 controls NEL and CSI', 'a\u0085b\u009b2J', `a${R}b${R}2J`],
    ['bidirectional overrides', '\u202a\u202b\u202c\u202d\u202e', R.repeat(5)],
    ['bidirectional isolates', '\u2066\u2067\u2068\u2069', R.repeat(4)],
    ['zero-width characters and marks', '\u200b\u200c\u200d\u200e\u200f', R.repeat(5)],
    ['line and paragraph separator', '\u2028\u2029', R.repeat(2)],
    ['the byte order mark and the soft hyphen', '\ufeff\u00ad', R.repeat(2)],
    ['tag characters, two code units each', '\u{e0000}\u{e0001}\u{e0041}\u{e007f}', R.repeat(8)],
    ['variation selectors and fillers', '\ufe0f\u{e0100}\u3164', R.repeat(4)],
    ['lone surrogates', 'a\ud800b\udc00', `a${R}b${R}`],
  ]
  for (const [name, text, printable] of rows) {
    it(name, () => assert.equal(toPrintable(text), printable))
  }

  it('keeps tabs of a line of a file, and shows blanks that look like a space', () => {
    assert.equal(toPrintable('a\u00a0b\u3000c\u2003d\u2800e f', { line: true }), 'a␣b␣c␣d␣e f')
    assert.equal(toPrintable('a\u00a0b'), 'a\u00a0b')
    assert.equal(toPrintable('a\tb\u001b\tc', { line: true }), `a\tb${R}\tc`)
  })

  it('cuts long text without splitting a character', () => {
    assert.equal(toPrintable('abcdef', { max: 6 }), 'abcdef')
    assert.equal(toPrintable('abcdefg', { max: 6 }), 'abcdef...')
    assert.equal(toPrintable('abc\u{1f600}', { max: 4 }), `abc${R}...`)
  })

  it('keeps the length, and removes control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const printable = toPrintable(text)
        assert.equal(printable.length, text.length)
        assert.doesNotMatch(printable, /\p{Cs}/u)
        assert.doesNotMatch(printable, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        assert.equal(toPrintable(printable), printable)
      }),
    )
  })
})
