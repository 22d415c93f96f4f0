import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { readPage } from '../docs/document'
import { SHOWN_FOLDER } from '../docs/shell'
import { packPlugin } from '../support/packed'

// The block that README shows under "Install", pasted into a shell: a folder made by `haraka -i`, the packed plugin, this user's group.

const work = mkdtempSync(join(tmpdir(), 'dns-overrides-readme-'))
const folder = join(work, 'haraka')
const programs = join(work, 'bin')

after(() => rmSync(work, { recursive: true, force: true }))

function installBlock(): string {
  const { blocks } = readPage('README.md')
  const { text } = blocks.find(
    ({ language, text: block }) => language === 'sh' && block.includes('npm install'),
  )!
  const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()
  return text
    .replaceAll(SHOWN_FOLDER, folder)
    .replace(
      'npm install haraka-plugin-dns-overrides',
      `npm install --prefer-offline ${packPlugin(work).archive}`,
    )
    .replace('chgrp smtp', `chgrp ${group}`)
}

test('the block under "Install" can be pasted, and makes a folder with the plugin', () => {
  const haraka = join(dirname(require.resolve('haraka/package.json')), 'bin', 'haraka')
  execFileSync(process.execPath, [haraka, '-i', folder])
  mkdirSync(programs)
  writeFileSync(join(programs, 'systemctl'), `#!/bin/sh\necho "$@" >'${work}/restarted'\n`)
  chmodSync(join(programs, 'systemctl'), 0o755)

  const printed = execFileSync('bash', ['-e'], {
    input: installBlock(),
    env: { ...process.env, PATH: `${programs}:${process.env.PATH}` },
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  })

  assert.match(printed, /dns_overrides\.ini: 0 errors, 0 warnings/)
  assert.match(readFileSync(join(folder, 'config', 'plugins'), 'utf8'), /^dns-overrides$/m)
  assert.ok(existsSync(join(work, 'restarted')))
})
