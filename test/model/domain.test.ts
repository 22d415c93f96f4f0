import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nameCharacter } from '../../lib/model/character'
import { findDisallowedCharacter, toALabels, toHost } from '../../lib/model/domain'

describe('characters of IDNA 2008 (RFC 5892)', () => {
  const allowed = [
    'example.com',
    '*.a_b-c?.example',
    'Müller.DE',
    'MU\u0308LLER.de',
    'faß.de',
    'βόλος.com',
    '例え\u3002テスト',
    'ａｂ１.example',
    'ﾃｽﾄ.example',
    'l·l.cat',
    'नमस्ते.भारत',
    'نامه\u200cای.com',
    'אבג.example',
    'ไทย.example',
    '한국.kr',
    '〇.example',
  ]
  for (const name of allowed) {
    it(`allows ${name}`, () => assert.equal(findDisallowedCharacter(name), undefined))
  }

  const disallowed: (readonly [name: string, start: number, named: string])[] = [
    ['joe’s.example', 3, 'the curly quote "’" (U+2019)'],
    ['“a”.example', 0, 'the curly quote "“" (U+201C)'],
    ['a–b.example', 1, 'the en dash "–" (U+2013)'],
    ['a—b.example', 1, 'the em dash "—" (U+2014)'],
    ['a\u2011b.example', 1, 'the non-breaking hyphen "‑" (U+2011)'],
    ['a\u2212b.example', 1, 'the minus sign "−" (U+2212)'],
    ['a\u00a0b.example', 1, 'the no-break space (U+00A0)'],
    ['a\u3000b.example', 1, 'the ideographic space (U+3000)'],
    ['a\u00adb.example', 1, 'the soft hyphen (U+00AD)'],
    ['a\u200bb.example', 1, 'the zero-width space (U+200B)'],
    ['\ufeffa.example', 0, 'the byte order mark (U+FEFF)'],
    ['i❤.ws', 1, '"❤" (U+2764)'],
    ['x\u{1f600}.example', 1, '"\u{1f600}" (U+1F600)'],
    ['a€.example', 1, '"€" (U+20AC)'],
    ['a™.example', 1, '"™" (U+2122)'],
    ['ﬁ.example', 0, '"ﬁ" (U+FB01)'],
    ['①.example', 0, '"①" (U+2460)'],
    ['Ⅻ.example', 0, '"Ⅻ" (U+216B)'],
    ['a½.example', 1, '"½" (U+00BD)'],
    ['a\u0640.example', 1, '"\u0640" (U+0640)'],
    ['\u202ea.example', 0, 'U+202E'],
    ['a\ufffd.example', 1, 'the replacement character "\ufffd" (U+FFFD)'],
    ['a,b.example', 1, '","'],
    ['a b.example', 1, 'U+0020'],
    ['a/b', 1, '"/"'],
    ['a\u0000b', 1, 'U+0000'],
    ['a\ud800', 1, 'U+D800'],
  ]
  for (const [name, start, named] of disallowed) {
    it(`names ${named} in the message`, () => {
      const found = findDisallowedCharacter(name)
      assert.equal(found?.start, start)
      assert.equal(nameCharacter(found.character), named)
      assert.equal(toHost(name), undefined)
    })
  }

  it('can look up a recipient domain that only others would register', () => {
    assert.equal(toALabels('i❤.ws'), 'xn--i-7iq.ws')
  })
})
