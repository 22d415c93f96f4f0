import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { passwordOf } from '../support/servers'
import { diagnose } from '../support/rules'
import { settingsOf } from '../support/settings'

describe('a value in the syntax of other formats', () => {
  const relay = '[relay:isp]\nhost = h\nuser = joe\n'
  for (const [line, column, message] of [
    ['password = "letmein"', 12, 'the quotes are part of the value'],
    ["password = 'letmein'", 12, 'the quotes are part of the value'],
    ['password = ${ISP_PASSWORD}', 12, 'variables are not replaced: "${" and "}" are part of the value'],
    ['password = letmein # of the provider', 20, '"#" is part of the value'],
    ['password_file = "isp.secret"', 17, 'the quotes are part of the value'],
  ] as const) {
    it(`warns of ${line}`, () => {
      const secrets = { env: {}, readFile: () => ({ text: 'letmein', mode: 0o600 }) }
      const found = diagnose(`${relay}${line}`, secrets)
      assert.deepEqual(
        found.map(({ severity, code, span, ...rest }) => [
          severity,
          code,
          span.line,
          span.column,
          rest.message,
        ]),
        [['warning', 'doubtful-value', 4, column, message]],
      )
      assert.doesNotMatch(JSON.stringify(found), /letmein/)
    })
  }

  it('is taken literally', () => {
    const [isp] = settingsOf(`${relay}password = "let#me;in" ; really`).relays
    assert.equal(passwordOf(isp?.credentials), '"let#me;in"')
  })

  for (const [text, suggestion] of [
    ['[relay:isp]\nhost = "smtp.example.net"', 'smtp.example.net'],
    ['[relay:isp]\nhost = h\nport = 587 # submission', '587'],
    ['[dns]\ntimeout = "2s"', '2s'],
    ['dns_cache_size = 500 # entries', '500'],
    ['[relay:isp]\nhost = h\ntls = yes', 'required'],
    ['[relay:isp]\nhost = h\ntls = no', 'off'],
    ['[relay:isp]\nhost = h\ntls = requird', 'required'],
  ] as const) {
    it(`${JSON.stringify(text)} suggests ${suggestion}`, () => {
      assert.deepEqual(
        diagnose(text).map(({ severity, ...rest }) => [severity, rest.suggestion]),
        [['error', suggestion]],
      )
    })
  }
})
