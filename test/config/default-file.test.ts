import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { KEYS } from '../../lib/config/keys'
import { configure, diagnose } from '../support/rules'

const text = readFileSync('config/dns_overrides.ini', 'utf8')

describe('the default dns_overrides.ini', () => {
  it('has no errors and sets the same as an empty file', () => {
    assert.deepEqual(diagnose(text), [])
    const { settings, rules } = configure(text)
    assert.deepEqual(settings, configure('').settings)
    assert.deepEqual([rules.lines, rules.attempts, rules.relays], [[], [], []])
  })

  it('has no errors if each commented setting and line is enabled', () => {
    const shown = text.replace(/^; (?=\[(?:relay|zone|redis)|[a-z0-9_]+ = |gmail|\*)/gm, '')
    const secrets = {
      env: {},
      readFile: (path: string) => {
        const type = /\.(?:pem|key)$/.exec(path)?.[0]
        const content =
          type === undefined ? 'letmein\n' : readFileSync(`test/fixtures/tls/client${type}`, 'utf8')
        return { text: content, mode: 0o600 }
      },
    }
    assert.deepEqual(diagnose(shown, secrets), [])
    const { settings, rules } = configure(shown, secrets)
    assert.deepEqual([rules.lines.length, settings.attempts.length, settings.relays.length], [3, 1, 2])
  })

  for (const section of ['top', 'dns', 'relay', 'status', 'tests'] as const) {
    it(`names every key of ${section}`, () => {
      for (const key of KEYS[section]) {
        // Secrets are better kept in a file. That others may stand elsewhere is said in a sentence.
        const isVariant = /^oauth2_.*_(?:env|file)$/.test(key)
        if (key !== 'password' && !isVariant) assert.match(text, new RegExp(`\\b${key}(?:_file)? =`))
      }
    })
  }
})
