import { maskLine } from '../../lib/rules/mask'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseFile } from '../../lib/config/parse'
import type { Section } from '../../lib/config/section'
import { Report } from '../../lib/source/report'
import { configure, diagnose, printed } from '../support/rules'

function parse(text: string): { sections: readonly Section[]; report: Report } {
  const report = new Report('f.ini', maskLine)
  const steps = parseFile([text], report)
  let step = steps.next()
  while (step.done !== true) step = steps.next()
  return { sections: step.value, report }
}

/** Sections with their settings and lines, each with its place. */
function outline(text: string): string[] {
  return parse(text).sections.flatMap((section) => [
    `[${section.kind}${section.name === undefined ? '' : `:${section.name}`}]`,
    ...[...section.settings.values()].map(
      ({ key, value, keySpan, valueSpan }) =>
        `${keySpan.line}:${keySpan.column} ${key}=${value} ${valueSpan.column}+${valueSpan.length}`,
    ),
    ...section.lines.map(({ line, text: source }) => `${line} ${source}`),
  ])
}

describe('a file has sections, settings and lines', () => {
  it('distinguishes settings from override lines before the first header', () => {
    const text = [
      '; comment',
      '  # dns_servers = 192.0.2.1',
      'dns_servers = 127.0.0.1, [::1]:5353   ; ip',
      'DNS_Cache_Size=10;x',
      'mx_sending_threads =   ; none',
      '* smtp.example.net $from=x ; y',
      '',
      '[192.0.2.1] smtp.example.net',
      '[IPv6:2001:db8::1]\tsmtp.example.net',
    ].join('\n')
    assert.deepEqual(outline(text), [
      '[top]',
      '3:1 dns_servers=127.0.0.1, [::1]:5353 15+21',
      '4:1 dns_cache_size=10;x 16+4',
      '5:1 mx_sending_threads= 21+1',
      '6 * smtp.example.net $from=x ; y',
      '8 [192.0.2.1] smtp.example.net',
      '9 [IPv6:2001:db8::1]\tsmtp.example.net',
    ])
  })

  it('accepts headers with blanks, any case and a comment', () => {
    assert.deepEqual(
      outline(' [ DNS ] ; x\ntries=1\n[ relay : Isp.2 ]\nhost=h\n[Tests]\non_reload = warn\na = b -> c'),
      [
        '[top]',
        '[dns]',
        '2:1 tries=1 7+1',
        '[relay:Isp.2]',
        '4:1 host=h 6+1',
        '[tests]',
        '6:1 on_reload=warn 13+4',
        '7 a = b -> c',
      ],
    )
  })

  for (const [name, end] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['a lone CR', '\r'],
  ] as const) {
    it(`accepts ${name} as end of line, and ignores a byte order mark`, () => {
      const text = `\ufeffdns_cache_size = 5${end}${end}* smtp.example.net${end}`
      assert.deepEqual(outline(text), ['[top]', '1:1 dns_cache_size=5 18+1', '3 * smtp.example.net'])
      assert.deepEqual(diagnose(text), [])
    })
  }

  it('accepts an empty file, and a file that is only a pasted list', () => {
    assert.deepEqual(configure('').rules.lines, [])
    assert.equal(
      configure('gmail.com smtp.example.net\n*.example joe:letmein@smtp.example.net:587').rules.lines.length,
      2,
    )
  })

  it('never throws, and points into the text', () => {
    const word = fc.constantFrom(
      '[',
      ']',
      'relay:',
      'dns',
      '=',
      ' ',
      '\n',
      '\r',
      ';',
      '#',
      '*',
      '$from~=/',
      '@',
      ':',
      'host',
    )
    const text = fc.array(fc.oneof(word, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 60 })
    fc.assert(
      fc.property(text, (parts) => {
        const source = parts.join('')
        const lines = source.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)
        for (const { span, source: shown } of diagnose(source)) {
          const line = lines[span.line - 1]
          assert.ok(line !== undefined && span.column >= 1 && span.length >= 1)
          assert.equal(shown.length, line.length)
          assert.ok(span.column <= line.length + 1, 'the caret is in the line or just after it')
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('mistakes of the file', () => {
  it('a key given twice refers to the first', () => {
    assert.equal(
      printed('[dns]\ntries = 1\ntries = 2'),
      `f.ini:3:1: error: tries is given twice
  tries = 2
  ^~~~~
  expected: each key once
  f.ini:2: first given here`,
    )
  })

  it('[overrides] may be given again, and its lines are one list', () => {
    const text = '[overrides]\na.example r1.example\n[relay:isp]\nhost = b.example\n[overrides]\n* @isp'
    assert.deepEqual(
      configure(text).rules.lines.map(({ line }) => line),
      [2, 6],
    )
  })

  it('a section given twice refers to the first', () => {
    assert.equal(
      printed('[relay:Isp]\nhost = a\n[relay:isp]\nhost = b'),
      `f.ini:3:1: error: this section is in the file twice
  [relay:isp]
  ^~~~~~~~~~~
  expected: one section of each name
  f.ini:1: first given here`,
    )
  })

  const rows: (readonly [text: string, place: string, message: string, suggestion?: string])[] = [
    ['[dsn]', '1:1+5', 'unknown section', '[dns]'],
    ['[relly:isp]', '1:1+11', 'unknown section', '[relay:isp]'],
    ['[relay]', '1:1+7', 'unknown section', '[relay:NAME]'],
    ['[xyzzy]\npassword = x', '1:1+7', 'unknown section'],
    ['[]', '1:1+2', 'unknown section'],
    ['[relay:]', '1:1+8', 'a relay needs a name of letters, digits, "-", "_" and "."'],
    ['[dns', '1:1+4', 'the section header is not closed'],
    ['[dns] tries = 1', '1:7+9', 'text after a section header'],
    ['dns_server = 192.0.2.1', '1:1+10', 'unknown setting dns_server', 'dns_servers'],
    ['timeout = 2s', '1:1+7', 'unknown setting timeout'],
    ['[dns]\ntrys = 1', '2:1+4', 'unknown setting trys', 'tries'],
    ['[dns]\ntries 1', '2:1+7', 'not a setting'],
    [
      '[smtp.example.net]:587 fred:letmein',
      '1:1+22',
      'a server as Postfix writes it',
      '* <user>:<password>@smtp.example.net:587',
    ],
    [
      '[overrides]\n[smtp.example.net] fred:letmein',
      '2:1+18',
      'a server as Postfix writes it',
      '* <user>:<password>@smtp.example.net',
    ],
    [
      '[2001:db8::1]:25 fred:letmein',
      '1:1+16',
      'a server as Postfix writes it',
      '* <user>:<password>@[2001:db8::1]:25',
    ],
    ['[overrides]\ndns_cache_size = 5', '2:1+14', 'a setting among override lines'],
    ['[overrides]\nexample.com = h', '2:13+1', '"=" between the domain and the target'],
  ]
  for (const [text, place, message, suggestion] of rows) {
    it(`${JSON.stringify(text)}: ${message}`, () => {
      const found = diagnose(text)
      assert.deepEqual(
        found.map(({ span, ...rest }) => [
          `${span.line}:${span.column}+${span.length}`,
          rest.message,
          rest.suggestion,
          rest.severity,
        ]),
        [[place, message, suggestion, 'error']],
      )
    })
  }

  it('a file has at most 10,000 sections, and a line at most 65,536 characters', () => {
    const found = diagnose('[overrides]\n'.repeat(20_000))
    assert.deepEqual(
      found.map(({ span, code, message }) => [span.line, code, message]),
      [[10_001, 'too-many-sections', 'more than 10,000 sections']],
    )
    const long = diagnose(`* h $from=${'x'.repeat(70_000)}\n* h $nonsense`)
    assert.deepEqual(
      long.map(({ span, code }) => [span.line, code]),
      [
        [1, 'long-line'],
        [2, 'unknown-qualifier'],
      ],
    )
    assert.doesNotMatch(JSON.stringify(long[0]), /xxx/)
  })

  it('an unknown key is told the section where it belongs', () => {
    assert.equal(
      diagnose('timeout = 2s')[0]?.expected,
      'one of dns_servers, dns_cache_size, mx_sending_threads; timeout belongs in [dns]',
    )
  })
  it('an unknown key of a long section suggests the few most similar', () => {
    assert.equal(
      diagnose('[relay:isp]\nhost = a.example\nmax_conections = 5')[0]?.expected,
      'a key in [relay:NAME], such as max_connections, max_per_hour or tls_cert; docs/reference.md lists them all',
    )
    assert.equal(diagnose('[status]\nalow = ::1')[0]?.expected, 'one of allow, proxies')
  })
})
