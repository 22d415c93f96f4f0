import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SecretSources } from '../../lib/config/types'
import { passwordOf } from '../support/servers'
import { diagnose, NO_SECRETS } from '../support/rules'
import { settingsOf, errorOf } from '../support/settings'

describe('the credentials of a relay', () => {
  it('takes the password from the environment', () => {
    const text = '[relay:isp]\nhost = h\nuser = joe\npassword_env = ISP_PASSWORD'
    const { credentials } = settingsOf(text, { ...NO_SECRETS, env: { ISP_PASSWORD: 'letmein' } }).relays[0]!
    assert.equal(passwordOf(credentials), 'letmein')
  })

  for (const [text, password] of [
    ['letmein', 'letmein'],
    ['letmein\n', 'letmein'],
    ['\ufeffletmein\r\n', 'letmein'],
    [' let me in ', ' let me in '],
    ['pässwört\n', 'pässwört'],
  ] as const) {
    it(`a password file of ${JSON.stringify(text)}`, () => {
      const secrets = { env: {}, readFile: () => ({ text, mode: 0o600 }) }
      const file = '[relay:isp]\nhost = h\nuser = joe\npassword_file = isp.secret'
      assert.deepEqual(diagnose(file, secrets), [])
      const relay = settingsOf(file, secrets).relays[0]!
      assert.equal(passwordOf(relay.credentials), password)
    })
  }

  for (const [text, problem] of [
    ['', 'is empty'],
    ['\n', 'is empty'],
    ['\ufeff\n', 'is empty'],
    ['p\ufffdss\n', 'is not UTF-8'],
    ['\ufffd\ufffdp\0a\0', 'is UTF-16'],
    ['p\0a\0s\0s\0', 'is UTF-16'],
    ['pass\0word\n', 'holds a NUL character'],
    ['let\u001bmein', 'holds a line break or another control character'],
    ['let\nmein\n', 'holds a line break or another control character'],
  ] as const) {
    it(`refuses a password file of ${JSON.stringify(text)}`, () => {
      const secrets = { env: {}, readFile: () => ({ text, mode: 0o600 }) }
      const file = '[relay:isp]\nhost = h\nuser = joe\npassword_file = isp.secret'
      assert.equal(errorOf(file, secrets), `4:17 the password file ${problem}`)
    })
  }

  for (const [password, message] of [
    ['"letmein"', 'the quotes are part of the value'],
    ["'letmein'", 'the quotes are part of the value'],
    ['${ISP_PASSWORD}', 'variables are not replaced: "${" and "}" are part of the value'],
    ['letmein # of the ISP', '"#" is part of the value'],
  ] as const) {
    it(`warns of ${password} in a password file and in a variable, and shows no password`, () => {
      const secrets = { env: { ISP: password }, readFile: () => ({ text: `${password}\n`, mode: 0o600 }) }
      for (const [setting, place] of [
        ['password_file = isp.pw', 'the password file'],
        ['password_env = ISP', 'the environment variable of password_env'],
      ]) {
        const file = `[relay:isp]\nhost = h\nuser = joe\n${setting}`
        const [found, ...more] = diagnose(file, secrets)
        assert.deepEqual([found?.severity, found?.message, more], ['warning', `${place}: ${message}`, []])
        assert.doesNotMatch(JSON.stringify(found), /letmein/)
        assert.equal(passwordOf(settingsOf(file, secrets).relays[0]?.credentials), password)
      }
    })
  }

  it('warns of a missing secret if the command does not connect to relays', () => {
    const text =
      '[relay:a]\nhost = h\nuser = joe\npassword_env = NONE\n[relay:b]\nhost = h\nuser = ann\npassword_file = none'
    const secrets = { ...NO_SECRETS, missing: 'warning' } as const
    assert.deepEqual(
      diagnose(text, secrets).map(({ severity, code, message }) => [severity, code, message]),
      [
        ['warning', 'no-secret', 'the environment variable of password_env is not set'],
        ['warning', 'no-secret', 'the password file cannot be read: there is no such file'],
      ],
    )
    assert.deepEqual(
      settingsOf(text, secrets).relays.map(({ credentials }) => credentials?.user),
      ['joe', 'ann'],
    )
  })

  it('accepts tls = off with a password only with allow_plaintext_auth', () => {
    const text = '[relay:isp]\nhost = h\nuser = joe\npassword = x\ntls = off\nallow_plaintext_auth = true'
    assert.deepEqual(diagnose(text), [])
  })

  for (const [mode, codes] of [
    [0o600, []],
    [0o644, ['secret-readable']],
    [0o640, ['secret-readable']],
  ] as const) {
    it(`takes the password from a file of mode ${mode.toString(8)} beside the configuration`, () => {
      const asked: string[] = []
      const secrets: SecretSources = {
        env: {},
        readFile: (path) => {
          asked.push(path)
          return { text: 'letmein\r\n', mode }
        },
      }
      const text = '[relay:isp]\nhost = h\nuser = joe\npassword_file = isp.secret'
      const { credentials } = settingsOf(text, secrets).relays[0]!
      assert.equal(passwordOf(credentials), 'letmein')
      assert.match(asked[0] ?? '', /^\/.*\/isp\.secret$/)
      assert.deepEqual(
        diagnose(text, secrets).map(({ code }) => code),
        codes,
      )
    })
  }
})
