import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatDiagnostic } from '../../lib/source/format'
import { diagnose } from '../support/rules'

const shownOf = (text: string) =>
  diagnose(text)
    .map((found) => formatDiagnostic(found))
    .join('\n')
const RELAY = '[relay:isp]\nhost = h.example\nuser = fred\n'

describe('a mask does not hide a plain word, variable, path, host or port', () => {
  for (const text of [
    '* smtp.example.net $foo',
    '* smtp.example.net $foo=bar $baz>=4',
    '* @isp $foo',
    '* smtp.example.net foo',
    '* smtp.example.net tls=yes port=587 $nonsense',
    'gmail.com via smtp.example.net port 587',
    '* joe@x $from =',
    '* joe.smith@smtp.example.net',
    '* $from = joe@x',
    '* h $from = joe@example.com',
    '* smtp.example.net:submission',
    '* smtp:[smtp.example.net]:smtps',
    '* smtp:2001:db8::1:587',
    '* lmtp:unix:/run/dovecot/lmtp',
    '* hash:/etc/postfix/transport',
    '* SMTP.OFFICE365.COM;587',
    'a\u00a0b h',
    '* 日本語 $foo',
    '* 日本語.example:99999 $foo',
    '* müller.example|587',
    '* smtp\u00a0.example.net',
    '* mx1,mx2,mx3',
    'end',
    '[relay:bad–name]\nhost = h',
    '[relay:my isp!]\nhost = h',
    '[relay:i$p]\nhost = h',
    `${RELAY}password_file=pw`,
    `${RELAY}password_file = isp-secret.txt`,
    `${RELAY}password_file = /Users/Joe/My_Secrets/isp.pw2`,
    `${RELAY}password_file = /run/secrets/..2026_01_31_12_00_00.123456789/isp`,
    `${RELAY}password_env = isp_password`,
    `${RELAY}password_env = ISPPASSWORD`,
    `${RELAY}password_env = \${ISP_PASSWORD}`,
    `${RELAY}password_env = constructor`,
    `${RELAY}password_env = __proto__`,
    `${RELAY}bind = 192.0.2.7, 192.0.2.8`,
    `${RELAY}tls = maybe not`,
    `${RELAY}smtp_host = smtp.example.net`,
    '[relay:isp]\nhost smtp.example.net',
    '[relay:isp]\nhost = smtp.example.net 587',
  ]) {
    it(JSON.stringify(text), () => {
      const shown = shownOf(text)
      assert.notEqual(shown, '')
      assert.doesNotMatch(shown, /\*\*|\*$/m)
    })
  }

  it('a comment is shown as an ellipsis, without a mask', () => {
    assert.equal(
      shownOf('* smtp.example.net $foo ; fred letmein').split('\n').slice(1, 3).join('\n'),
      '  * smtp.example.net $foo ; ...\n                     ^~~~',
    )
  })
})

/** All orders of some fields. */
function orders(fields: readonly string[]): readonly (readonly string[])[] {
  if (fields.length < 2) return [fields]
  return fields.flatMap((field, index) =>
    orders([...fields.slice(0, index), ...fields.slice(index + 1)]).map((rest) => [field, ...rest]),
  )
}

describe('a password in columns is never shown, in any order and with any separator', () => {
  const host = 'smtp.example.net'
  const signs = [
    '|',
    ';',
    ',',
    '/',
    '\\',
    '\t',
    ' ',
    '\u00a0',
    '\u3000',
    '||',
    '::',
    '!',
    '&',
    '+',
    '~',
    '^',
    '#',
    '%',
    '>',
  ]
  const more = [', ', '; ', ' | ', ' / ', '=>', '->', ' -> ', '→', '，', '；', '"', "'", '","', '(', '\u2003']
  const frames: readonly ((target: string) => string)[] = [
    (target) => `* ${target}`,
    (target) => `*\t${target} $nonsense`,
    (target) => `gmail.com ${target} $end $end`,
    (target) => `a..b ${target}`,
    (target) => target,
    (target) => `[overrides]\n${target} $nonsense`,
    (target) => `${RELAY}host = ${target}`,
    (target) => `[relay:isp]\nhost = ${target}`,
    (target) => `[attempts]\n${target} direct=1`,
  ]
  const passwords = ['S3.cret', 'x-Y', 'pa=ss', '19283746']
  for (const [index, sign] of [...signs, ...more].entries()) {
    it(JSON.stringify(sign), () => {
      for (const password of ['Passw0rd', 'letmein', passwords[index % passwords.length]!]) {
        const all = [
          ...orders([host, 'fred', password]),
          ...orders([host, '587', 'fred', password]),
          // Two words are a line of the file.
          ...(/^(?!.*>)\S+$/.test(sign) ? orders([host, password]) : []),
          ...orders([`${host}:587`, 'fred', password]),
          ...orders([host, 'fred@example.net', password]),
          [`fred:${password}`, host],
          [host, `fred:${password}`],
        ]
        for (const frame of frames) {
          const leaks = all
            .map((fields) => frame(fields.join(sign)))
            .filter((text) => shownOf(text).includes(password))
          assert.deepEqual(leaks, [])
        }
      }
    })
  }
})

describe('a password in a line of another program is never shown', () => {
  for (const text of [
    // Postfix smtp_sasl_password_maps
    '[smtp.example.net]:587 fred:letmein',
    'smtp.example.net fred:letmein',
    '[smtp.example.net]:submission fred@example.net:letmein',
    // Exim's passwd.client and client_send
    'smtp.example.net:fred:letmein',
    '* smtp.example.net:fred:letmein',
    '*.example.net:fred:letmein',
    'client_send = : fred : letmein',
    'client_send = "<; ^fred^letmein"',
    // sendmail's authinfo
    'AuthInfo:smtp.example.net "U:fred" "P:letmein" "M:PLAIN"',
    // .netrc, msmtp, ssmtp
    'machine smtp.example.net login fred password letmein',
    'password letmein $nonsense',
    'AuthPass=letmein',
    'AuthUser=fred AuthPass=letmein',
    // URLs, command lines, JSON
    '* smtp://smtp.example.net?user=fred&pass=letmein',
    '* smtp.example.net --user fred:letmein',
    '* smtp.example.net -u fred -p letmein',
    '{"host":"smtp.example.net","user":"fred","pass":"letmein"}',
    "* smtp.example.net {user:'fred',pass:'letmein'}",
    '* smtp.example.net user=fred password=letmein',
    '* smtp.example.net:587:fred:letmein',
    '* fred:letmein:smtp.example.net:587',
    '* smtp.example.net[fred:letmein]',
    '* smtp.example.net(fred/letmein)',
    '* "smtp.example.net" "fred" "letmein"',
  ]) {
    it(text, () => {
      const shown = shownOf(text)
      assert.notEqual(shown, '')
      assert.doesNotMatch(shown, /letmein/)
      assert.match(shownOf(`[overrides]\n${text}`), /^(?!.*letmein)/s)
    })
  }
})
