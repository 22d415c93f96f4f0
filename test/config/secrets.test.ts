import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatDiagnostic } from '../../lib/source/format'
import { MOST_DIAGNOSTICS } from '../../lib/source/report'
import { nodeSecretSources } from '../../lib/config/secrets'
import { diagnose } from '../support/rules'

/** Lines with a password in them, and something wrong with them or with the file around them. */
function brokenLines(p: string): string[] {
  const targets = [
    `fred:${p}@smtp.example.net`,
    `fred:${p}@smtp.example.net:587`,
    `smtps://fred:${p}@smtp.example.net`,
    `smtp://fred:${p}@smtp.example.net`,
    `fred:${p}@`,
    `fred:${p}`,
    `:${p}@smtp.example.net`,
    `${p}@smtp.example.net`,
    `fred: ${p}@smtp.example.net`,
    `fred :${p}@smtp.example.net`,
    `fred : ${p}@smtp.example.net`,
    `fred ${p}@smtp.example.net`,
    `fred ${p} @smtp.example.net`,
    `fred:${p} @smtp.example.net`,
    `fred:${p} smtp.example.net`,
    `fred:x ${p}@smtp.example.net`,
    `fred:12 ${p}@smtp.example.net`,
    `fred:x ${p} y@smtp.example.net`,
    `fred:x@${p}@smtp.example.net`,
    `fred:x:${p}:y@smtp.example.net`,
    `fred:$${p}@smtp.example.net`,
    `$fred:${p}@smtp.example.net`,
    `$fred:${p}`,
    `fred:${p}@smtp.example.net:99999`,
    `fred:${p}@[::1`,
    `fred:${p}@[::1]:x`,
    `fred:${p}@bad..host`,
    `fred:${p}@-bad`,
    `@fred:${p}@smtp.example.net`,
    `@isp:${p}@smtp.example.net`,
    `[::1]:${p}@smtp.example.net`,
    `fred@example.com:${p}@smtp.example.net`,
    `fred@example.com:${p}@smtp.example.net:0`,
    `fred:${p};@smtp.example.net`,
    `fred:${p}#x@smtp.example.net`,
    `fred;${p}@smtp.example.net`,
    `fred:/${p}/@smtp.example.net`,
    `smtp.example.net fred:${p}@`,
    `smtp.example.net fred:${p}`,
  ]
  // A host and a word without any mark of a password: only its place tells it from a good line.
  const overrideOnly = [
    `smtp.example.net ${p}`,
    `smtp.example.net ; ${p}`,
    `smtp.example.net # password is ${p}`,
  ]
  const frames: ((target: string) => string)[] = [
    (target) => `* ${target}`,
    (target) => `*\t${target} $retrys>=4`,
    (target) => `* ${target} $retries>=four $end $end`,
    (target) => `a..b ${target}`,
    (target) => `${target}`,
    (target) => `*${target}`,
    (target) => `* $end ${target}`,
    (target) => `* $priority:99999 ${target} $end`,
    (target) => `* $from=a@b.example ${target} $from~=/(/`,
    (target) => `example.com = ${target}`,
    (target) => `example.com=${target}`,
    (target) => `dns_servers ${target}`,
    (target) => `dns_servers = ${target}`,
    (target) => `dns_cache_size = ${target}`,
    (target) => `[overrides]\n* ${target} $nonsense`,
    (target) => `[overrides]\nexample.com = ${target}`,
    (target) => `[overrides]\n${target} $nonsense`,
    (target) => `[overrides\n* ${target} $nonsense`,
    (target) => `[attempts]\n* ${target} direct=1`,
    (target) => `[relay:isp]\nhost = ${target}`,
    (target) => `[relay:isp]\nhost ${target}`,
    (target) => `[nonsense]\nhost = ${target}`,
    (target) => `[relay:${target}]\nhost = h`,
    (target) => `[redis]\nhost: ${target}`,
  ]
  const settings = [
    'password = ',
    'password=',
    'password: ',
    'password:',
    'password ',
    'pasword = ',
    'passwrd=',
    'pass = ',
    'PASSWORD  =  ',
    'pass word = ',
    'passwort = ',
    'secret = ',
    'usr = fred:',
    'usr = ',
    'user: fred password: ',
    'user fred:',
    'password_env = ',
    'password_file = ',
    'password_file = /etc/',
    'passord_file = ',
    'key = ',
    '= ',
    '',
    '[',
    '"password" = ',
    'password = x\npassword = ',
    'user = fred\npassword = x\npassword_env = ',
    'host = fred:',
  ]
  const sections = [
    '',
    '[relay:isp]\n',
    '[relay:isp]\nhost = h\nuser = fred\n',
    '[redis]\n',
    '[nonsense]\n',
    '[dns]\n',
    '[tests]\n',
    '[overrides]\n',
    '[relay:isp\n',
  ]
  return [
    ...targets.flatMap((target) => frames.map((frame) => frame(target))),
    ...overrideOnly.flatMap((target) => frames.slice(0, 4).map((frame) => frame(target))),
    ...sections.flatMap((section) => settings.map((setting) => `${section}${setting}${p}`)),
  ]
}

/** Everything that a diagnostic could show. */
const shown = (text: string) =>
  diagnose(text)
    .map((diagnostic) => `${formatDiagnostic(diagnostic)}\n${JSON.stringify(diagnostic)}`)
    .join('\n')

describe('no diagnostic shows a password', () => {
  for (const password of ['Passw0rd', 'S3cr3t!x', 'pa55=w0rd', 'x%Y&z/8q']) {
    it(password, () => {
      const lines = brokenLines(password)
      assert.ok(lines.length > 900)
      const leaks = lines.filter((line) => shown(line).includes(password))
      assert.deepEqual(leaks, [])
      const silent = lines.filter((line) => diagnose(line).length > 0)
      assert.ok(silent.length > lines.length / 2, 'most of the lines are wrong')
    })
  }

  it('of a line with any text around its password', () => {
    const piece = fc.constantFrom(' ', '\t', ':', '@', '[', ']', '=', ';', 'h', '*', '/', '$')
    const noise = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(noise, noise, (before, after) => {
        const text = `* fred:${before}Passw0rd${after}@smtp.example.net $nonsense`
        assert.equal(shown(text).includes('Passw0rd'), false, text)
      }),
      { numRuns: 3000 },
    )
  })
})

for (const line of [
  'password=S3.cret',
  'passwort=S3cret h.example',
  '* pass=S3cret',
  '* password=S3.cret $end',
]) {
  it(`a misplaced setting among override lines shows no password: ${line}`, () => {
    assert.doesNotMatch(
      diagnose(`[overrides]\n${line}`)
        .map((found) => formatDiagnostic(found))
        .join('\n'),
      /cret/,
    )
  })
}

it('a line with thousands of mistakes is checked in a few seconds', () => {
  const words = Array.from({ length: 7000 }, (_, index) => `$x${index}:@`)
  const begin = process.cpuUsage().user
  const found = diagnose(`* host.example ${words.join(' ')}`)
  const seconds = (process.cpuUsage().user - begin) / 1e6
  assert.equal(found.length, MOST_DIAGNOSTICS)
  assert.ok(seconds < 10, `${seconds} s`)
})

describe('secrets of this machine', () => {
  it('come from the environment, and from files with their permissions', () => {
    const folder = mkdtempSync(join(tmpdir(), 'secrets-'))
    try {
      const path = join(folder, 'isp.secret')
      writeFileSync(path, 'letmein\n')
      chmodSync(path, 0o640)
      const sources = nodeSecretSources()
      assert.deepEqual(sources.readFile(path), { text: 'letmein\n', mode: 0o640 })
      assert.equal(sources.missing, 'error')
      assert.throws(() => sources.readFile(join(folder, 'none')), { code: 'ENOENT' })
      assert.equal(sources.env.PATH, process.env.PATH)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
