import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CONDITIONS } from '../../lib/rules/conditions'
import { configure, diagnose, printed } from '../support/rules'

const NAMES =
  '$retries, $size, $authsender, $from, $rcpt, $age, $reply, $failed, $dnsmx, $dnsmxall, $end, $adddns, $priority, $again'

describe('mistakes in an override line', () => {
  it('shows the place with a caret, what is expected and the nearest suggestion', () => {
    assert.equal(
      printed('; a comment\n*.example smtp.example.net $retrys>=4'),
      `f.ini:2:28: error: unknown condition or option $retrys
  *.example smtp.example.net $retrys>=4
                             ^~~~~~~~~~
  expected: one of ${NAMES}
  did you mean $retries>=4?`,
    )
  })

  it('keeps a tab before the caret', () => {
    assert.equal(
      printed('*\t@isp'),
      'f.ini:1:3: error: unknown relay @isp\n' +
        '  *\t@isp\n' +
        '   \t^~~~\n' +
        '  expected: the NAME of a section [relay:NAME] or [direct:NAME]; the file has none',
    )
  })

  it('reports all mistakes of a line and of a file, in order', () => {
    const text = 'a..b smtp.example.net:0 $size~=x $end $end\n* fred@h $foo\n[dns]\ntries = 0'
    assert.deepEqual(
      diagnose(text).map(({ span, code }) => [span.line, span.column, code]),
      [
        [1, 3, 'bad-pattern'],
        [1, 22, 'bad-port'],
        [1, 30, 'text-operator'],
        [1, 39, 'duplicate-option'],
        [2, 3, 'missing-password'],
        [2, 10, 'unknown-qualifier'],
        [4, 9, 'bad-value'],
      ],
    )
  })

  /** A line, the part that the caret is under, the message and the suggestion. */
  const rows: (readonly [string, string, string, string?])[] = [
    ['gmail.com', 'gmail.com', 'a target is missing'],
    ['[192.0.2.1]', '[192.0.2.1]', 'a target is missing'],
    ['joe@example.com h', 'joe@example.com', 'an address where a domain is expected', 'example.com'],
    ['.example.com h', '.', 'an empty label', '*.example.com'],
    ['a..b h', '.', 'an empty label'],
    ['a,b h', ',', '"," is not allowed in a domain'],
    ['a\u00a0b h', '␣', 'the no-break space (U+00A0) is not allowed in a domain'],
    ['joe’s.example h', '’', 'the curly quote "’" (U+2019) is not allowed in a domain'],
    ['[IPv6:::1 h', '[**********', 'the section header is not closed'],
    [`${'a'.repeat(64)}.b h`, 'a'.repeat(64), 'a label of more than 63 characters'],
    ['m?ller.ex.m*ü h', 'm*ü', 'a wildcard in a label that is not ASCII'],
    ['a=b h', 'a', 'unknown setting a'],
    ['gmail.com = h', 'gmail.com', 'gmail.com is not a setting'],
    ['dns_servers 192.0.2.1', 'dns_servers', '"=" is missing after dns_servers'],
    ['* $end', '$end', 'a target is missing before the conditions and options'],
    ['* $direkt', '$direkt', 'a target is missing before the conditions and options', '$direct'],
    ['* smtp://h', 'smtp://', 'a target is a host and not a URL'],
    ['* u:p@', '* u:p@'.slice(6), 'a host is missing'],
    ['* h:465', 'h:465', 'port 465 speaks TLS from the first byte', 'smtps://h'],
    ['* [::1]:465', '[::1]:465', 'port 465 speaks TLS from the first byte', 'smtps://[::1]'],
    ['* u:letmein@h:465', 'u:*******@h:465', 'port 465 speaks TLS from the first byte'],
    ['* 2001:db8::1:587', '2001:db8::1:587', 'an IPv6 address without brackets'],
    [
      '* 2001:db8:0:0:0:0:0:1:587',
      '2001:db8:0:0:0:0:0:1:587',
      'an IPv6 address without brackets',
      '[2001:db8:0:0:0:0:0:1]:587',
    ],
    ['* joe’s.example.net', '’', 'the curly quote "’" (U+2019) is not allowed in a host name'],
    ['* a–b.example.net:587', '–', 'the en dash "–" (U+2013) is not allowed in a host name'],
    ['* h\u200bx', '\ufffd', 'the zero-width space (U+200B) is not allowed in a host name'],
    ['* h\u3000x', '␣', 'the ideographic space (U+3000) is not allowed in a host name'],
    ['* h\u2800x', '␣', 'the blank Braille pattern (U+2800) is not allowed in a host name'],
    ['* h\u00a0$end', '␣', 'the no-break space (U+00A0) is not allowed in a host name'],
    [
      '* smtp:[smtp.example.net]:587',
      'smtp:[smtp.example.net]:587',
      'a server as Postfix writes it',
      'smtp.example.net:587',
    ],
    [
      '* [smtp.example.net]:587',
      '[smtp.example.net]:587',
      'a server as Postfix writes it',
      'smtp.example.net:587',
    ],
    ['* [smtp.example.net]', '[smtp.example.net]', 'a server as Postfix writes it', 'smtp.example.net'],
    [
      '* relay:smtp.example.net:2525',
      'relay:smtp.example.net:2525',
      'a server as Postfix writes it',
      'smtp.example.net:2525',
    ],
    ['* smtp:[2001:db8::1]:25', 'smtp:[2001:db8::1]:25', 'a server as Postfix writes it', '[2001:db8::1]:25'],
    [
      '* relay:[smtp.example.net]:submission',
      'relay:[smtp.example.net]:submission',
      'a server as Postfix writes it',
      'smtp.example.net:587',
    ],
    [
      '* lmtp:unix:/run/lmtp',
      'lmtp:unix:/run/lmtp',
      '"lmtp:unix:" is a socket of Postfix, and a target is a server',
    ],
    [
      '* error:5.1.1 no such host',
      'error:5.1.1',
      '"error:" is a transport of Postfix, and a target is a server',
    ],
    ['* error:5.1.1', 'error:5.1.1', '"error:" is a transport of Postfix, and a target is a server'],
    ['* discard:', 'discard:', '"discard:" is a transport of Postfix, and a target is a server'],
    [
      '* smtp.example.net|587|fred|letmein',
      'smtp.example.net|587|************',
      'the fields of a target are not separated by "|"',
    ],
    [
      '* smtp.example.net;587;fred;letmein',
      'smtp.example.net;587;************',
      'the fields of a target are not separated by ";"',
    ],
    [
      '* smtp.example.net,587,fred,letmein',
      'smtp.example.net,587,************',
      'the fields of a target are not separated by ","',
    ],
    [
      '* smtp.example.net|fred|p@ss',
      'smtp.example.net|*********',
      'the fields of a target are not separated by "|"',
    ],
    [
      '* smtp.example.net/fred/letmein',
      'smtp.example.net/************',
      'the fields of a target are not separated by "/"',
    ],
    [
      '* smtp.example.net\\fred\\letmein',
      'smtp.example.net\\************',
      'the fields of a target are not separated by "\\"',
    ],
    ['* host,user,password', 'host,*************', 'the fields of a target are not separated by ","'],
    [
      '* fred,letmein,smtp.example.net',
      '************,smtp.example.net',
      'the fields of a target are not separated by ","',
    ],
    [
      '* secret;smtp.example.net',
      '******;smtp.example.net',
      'the fields of a target are not separated by ";"',
    ],
    ['* h1,h2', 'h1,h2', 'several hosts in one target'],
    ['* h:submission', 'h:submission', 'a port is a number, and submission is 587', 'h:587'],
    ['* h:smtps', 'h:smtps', 'a port is a number, and smtps is 465', 'smtps://h'],
    [
      '* u:letmein@h:smtp',
      'u:*******@h:smtp',
      'a port is a number, and smtp is 25',
      '<user>:<password>@h:25',
    ],
    [
      '* [smtp.example.net]:465',
      '[smtp.example.net]:465',
      'a server as Postfix writes it',
      'smtps://smtp.example.net',
    ],
    ['* a.example.net,b.example.net', 'a.example.net,b.example.net', 'several hosts in one target'],
    ['* a.example.net, b.example.net', 'a.example.net,', 'several hosts in one target'],
    ['gmail.com => smtp.example.net', 'gmail.com', 'gmail.com is not a setting'],
    ['gmail.com -> smtp.example.net', '->', '"->" between the domain and the target'],
    ['* smtp.example.net 587', '587', 'white space before a port'],
    ['* direct = 2 relay = 3', '*', 'a line of [attempts] among override lines'],
    ['* direct=2 relay=3', '*', 'a line of [attempts] among override lines'],
    ['* :p@h', ':', 'a password without a user'],
    ['* u:@h', 'u:', 'a user without a password'],
    ['* u@h', 'u', 'a user without a password'],
    ['* 2001:db8::1', '2001:db8::1', 'an IPv6 address without brackets', '[2001:db8::1]'],
    ['* [192.0.2.1]', '[192.0.2.1]', '"[192.0.2.1]" is neither a host name nor an IP address', '192.0.2.1'],
    ['* [IPv6:::1]', '[IPv6:::1]', '"[IPv6:::1]" is neither a host name nor an IP address', '[::1]'],
    ['* [::1', '[:**', '"[:**" is neither a host name nor an IP address'],
    ['* 192.0.2.256', '192.0.2.256', '"192.0.2.256" is neither a host name nor an IP address'],
    ['* -h', '-h', '"-h" is neither a host name nor an IP address'],
    ['* a_b..c', 'a_b..c', '"a_b..c" is neither a host name nor an IP address'],
    ['* h:0', ':0', 'bad port "0"'],
    ['* h:65536', ':65536', 'bad port "65536"'],
    ['* h:', ':', 'bad port ""'],
    ['* h $priority=5', '$priority=5', 'bad $priority', '$priority:5'],
    ['* h $priority', '$priority', 'bad $priority'],
    ['* h $priority:65536', '$priority:65536', 'bad $priority'],
    ['* h $priority:-1', '$priority:-1', 'bad $priority'],
    ['* h $priority:1 $priority:1', '$priority:1', '$priority is given twice'],
    ['* h $end:1', '$end:1', '$end takes no value', '$end'],
    ['* h $adddns=yes', '$adddns=yes', '$adddns takes no value', '$adddns'],
    ['* h $adddns $ADDDNS', '$ADDDNS', '$adddns is given twice'],
    ['* h $direct', '$direct', 'a second target'],
    ['* h @isp', '@isp', 'a second target'],
    ['* h end', 'end', '"$" is missing before end', '$end'],
    ['* h retries>=4', 'retries>=4', '"$" is missing before retries', '$retries>=4'],
    ['* h $', '$', 'a name is missing after "$"'],
    ['* h $autsender=joe', '$autsender=joe', 'unknown condition or option $autsender', '$authsender=joe'],
    ['* h $retries', '$retries', '$retries without an operator', '$retries>=4'],
    ['* h $retries:4', '$retries:4', '$retries without an operator', '$retries=4'],
    ['* h $retries>=', '', 'no value for $retries'],
    ['* h $retries>=four', 'four', 'bad value "four" for $retries'],
    ['* h $retries>=-1', '-1', 'bad value "-1" for $retries'],
    ['* h $retries>=4.5', '4.5', 'bad value "4.5" for $retries'],
    ['* h $retries>=4K', '4K', 'bad value "4K" for $retries'],
    ['* h $retries>=9007199254740993', '9007199254740993', 'bad value "9007199254740993" for $retries'],
    ['* h $retries=>4', '>4', 'bad value ">4" for $retries', '$retries>=4'],
    ['* h $retries~=4', '~=', '~= is for text, and $retries is a number'],
    ['* h $size!~4', '!~', '!~ is for text, and $size is a number'],
    ['* h $size > 10M', '$size', 'white space in a condition', '$size>10M'],
    ['* h $size >10M', '$size', 'white space in a condition', '$size>10M'],
    ['* h $size> 10M', '$size>', 'white space in a condition', '$size>10M'],
    ['* h $from = joe@a.example', '$from', 'white space in a condition', '$from=joe@a.example'],
    ['dns_servers\u00a0= 192.0.2.1', '␣', 'the no-break space (U+00A0) is not white space here'],
    ['* h $size>10MB', '10MB', 'bad value "10MB" for $size', '$size>10M'],
    ['* h $size>=512kib', '512kib', 'bad value "512kib" for $size', '$size>=512k'],
    ['* h $size>1.5M', '1.5M', 'bad value "1.5M" for $size'],
    ['* smtps://u:100%@h', 'u:****', 'a "%" that encodes no text'],
    ['* h $from', '$from', '$from without an operator'],
    ['* h $from:x', '$from:x', '$from without an operator', '$from=x'],
    ['* h $from~=/(a/', '/(a/', 'bad regular expression: missing closing ): `(a`'],
    ['* h $from~=/a/g', '/a/g', 'unknown flag of a regular expression: the only one is i'],
    ['* h $from~=//', '//', 'an empty regular expression matches everything'],
    ['* h $from~=/(?=a)/', '/(?=a)/', 'bad regular expression: invalid or unsupported Perl syntax: `(?=`'],
    [
      '* h $from~=/a b/',
      '/a',
      'the regular expression is not closed (a value holds no white space: write \\s or \\x20)',
    ],
    ['* h $age', '$age', '$age without an operator', '$age>=4h'],
    ['* h $age:4h', '$age:4h', '$age without an operator', '$age=4h'],
    ['* h $age=>4h', '>4h', 'bad value ">4h" for $age', '$age>=4h'],
    ['* h $age>4w', '4w', 'bad value "4w" for $age'],
    ['* h $age~=4h', '~=', '~= is for text, and $age is a number'],
    ['* h $failed', '$failed', '$failed without an operator'],
    ['* h $failed:tls', '$failed:tls', '$failed without an operator', '$failed=tls'],
    ['* h $failed>tls', '>', '> cannot compare $failed'],
    ['* h $failed~=t*', '~=', '~= cannot compare $failed'],
    ['* h $failed=conect', 'conect', 'bad value "conect" for $failed', '$failed=connect'],
    ['* h $failed=x', 'x', 'bad value "x" for $failed'],
    ['* h $reply', '$reply', '$reply without an operator'],
    ['* h $replay~=*x*', '$replay~=*x*', 'unknown condition or option $replay', '$reply~=*x*'],
    ['* h $rcpt:x', '$rcpt:x', '$rcpt without an operator', '$rcpt=x'],
    ['* h $reply<> $again=5m', '$again=5m', 'bad $again', '$again:5m'],
    ['* h $reply<> $again', '$again', 'bad $again'],
    ['* h $reply<> $again:0', '$again:0', 'bad $again'],
    ['* h $reply<> $again:31d', '$again:31d', 'bad $again'],
    ['* h $failed<> $again:5m $again:5m', '$again:5m', '$again is given twice'],
    ['* h $retries>1 $again:5m', '$again:5m', '$again without a condition on $reply or $failed'],
    ['* h $dnsmx', '$dnsmx', '$dnsmx without a value'],
    ['* h $dnsmx:', '$dnsmx:', '$dnsmx without a value'],
    ['* h $dnsmx:!', '$dnsmx:!', '$dnsmx without a value'],
    ['* h $dnsmx=*.x', '$dnsmx=*.x', '$dnsmx takes ":" and no operator', '$dnsmx:*.x'],
    ['* h $dnsmx!=*.x', '$dnsmx!=*.x', '$dnsmx takes ":" and no operator', '$dnsmx:!*.x'],
    ['* h $dnsmx=!*.x', '$dnsmx=!*.x', '$dnsmx takes ":" and no operator', '$dnsmx:!*.x'],
    ['* h $dnsmx!:*.x', '$dnsmx!:*.x', '$dnsmx takes ":" and no operator', '$dnsmx:!*.x'],
    ['* h $dnsmxall!=*.x', '$dnsmxall!=*.x', '$dnsmxall takes ":" and no operator', '$dnsmx:!*.x'],
    ['* h $dnsmx:/x/', '/x/', '"/" is not allowed in a domain'],
    ['* h $dnsmxall:!x', '!', '$dnsmxall cannot be negated', '$dnsmx:!x'],
  ]
  for (const [text, part, message, suggestion] of rows) {
    it(`${text}: ${message}`, () => {
      const [first, ...more] = diagnose(text)
      assert.ok(first)
      assert.deepEqual(more, [])
      const { span, source } = first
      assert.equal(first.message, message)
      assert.equal(first.suggestion, suggestion)
      assert.equal(source.length, text.length)
      assert.equal(source.slice(span.column - 1, span.column - 1 + span.length), part)
      assert.notEqual(first.expected ?? '', '')
    })
  }

  for (const sign of ['=', '=>', '->']) {
    it(`"${sign}" between domain and target of [overrides]`, () => {
      assert.equal(
        printed(`[overrides]\ngmail.com ${sign} smtp.example.net`),
        `f.ini:2:11: error: "${sign}" between the domain and the target
  gmail.com ${sign} smtp.example.net
            ^${'~'.repeat(sign.length - 1)}
  expected: only white space between them`,
      )
    })
  }

  it('does not suggest a relay whose own name is invalid', () => {
    const [, found] = diagnose('[relay:i$p]\nhost = h\n[relay:other]\nhost = h\n[overrides]\n* @isp')
    assert.equal(found?.expected, 'the NAME of a section [relay:NAME] or [direct:NAME]; the file has @other')
    assert.equal(found.suggestion, undefined)
  })

  it('lists 20 of many relays', () => {
    const sections = Array.from({ length: 30 }, (_, i) => `[relay:r${i}]\nhost = h${i}`)
    const [found] = diagnose(['* @elsewhere', ...sections].join('\n'))
    assert.match(found?.expected ?? '', /; the file has @r0, .*, @r19 and 10 more$/)
  })

  for (const [target, message, suggestion] of [
    ['direct', "a host named direct, and not the domain's own MX", '$direct'],
    ['isp', 'a host named isp, and not the relay isp', '@isp'],
  ] as const) {
    it(`warns of a target ${target}`, () => {
      const [found, ...more] = diagnose(`gmail.com ${target}\n[relay:isp]\nhost = h.example`)
      assert.deepEqual(
        [found?.severity, found?.message, found?.suggestion, more],
        ['warning', message, suggestion, []],
      )
    })
  }

  it('does not treat text after white space as a comment', () => {
    const text = '* u:p;#x@h.example $from~=/a;b/ $end ; letmein $nonsense\nb.example c.example # u:p'
    assert.deepEqual(diagnose(text), [])
    assert.deepEqual(
      configure(text).rules.lines.map((line) => [line.text, line.end]),
      [
        ['* u:****@h.example $from~=/a;b/ $end', true],
        ['b.example c.example', false],
      ],
    )
    assert.equal(diagnose('* ; a comment')[0]?.message, 'a target is missing')
  })

  it('knows the name of every condition', () => {
    assert.deepEqual(
      [...CONDITIONS.keys()],
      ['retries', 'size', 'authsender', 'from', 'rcpt', 'age', 'reply', 'failed', 'dnsmx', 'dnsmxall'],
    )
  })
})
