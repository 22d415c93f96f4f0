import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { lint } from '../../../lib/rules/lint'
import { configure } from '../../support/rules'
import { INTERVALS } from '../../support/lint-warnings'

test('a client certificate that ends within 14 days is certificate-ends', () => {
  const text = '* @isp\n[relay:isp]\nhost = smtp.example.net\ntls_cert = client.pem\ntls_key = client.key'
  const end = Date.UTC(2120, 0, 1)
  const secrets = {
    env: {},
    readFile: (path: string) => ({
      text: readFileSync(`test/fixtures/tls/${basename(path)}`, 'utf8'),
      mode: 0o600,
    }),
  }
  const found = (days: number) =>
    lint(configure(text, secrets), {
      text,
      retryIntervalsSeconds: INTERVALS,
      now: end - days * 86_400_000,
    }).map(({ code, span, message }) => `${span.line}:${span.column} ${code} ${message}`)
  assert.deepEqual(found(13), ['4:12 certificate-ends this certificate ends on 2120-01-01'])
  assert.deepEqual(found(15), [])
})
