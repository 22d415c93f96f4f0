import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { HarakaServer } from '../support/haraka-server'

// express is not among Haraka's dependencies: with `listen` in http.ini and without it there is one line that says so.

/** Makes express unfindable: it is installed beside the Haraka of the tests. */
const HIDE_EXPRESS = `
const Module = require('node:module')
const resolve = Module._resolveFilename
Module._resolveFilename = function (request, ...rest) {
  if (request === 'express') throw Object.assign(new Error("Cannot find module 'express'"), { code: 'MODULE_NOT_FOUND' })
  return resolve.call(this, request, ...rest)
}
`
const MISSING =
  /\[dns-overrides\] http\.ini has listen, but express is missing: there is no status page\. npm install express/

for (const nodes of [0, 2]) {
  test(`${nodes === 0 ? 'one process' : 'two workers'}: without express one log line says that there is no page, and mail is delivered`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-express-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const hide = join(folder, 'hide-express.js')
    writeFileSync(hide, HIDE_EXPRESS)
    const haraka = await HarakaServer.start({
      nodes,
      overrides: '* 127.0.0.1:1\n',
      files: { 'config/http.ini': 'listen=127.0.0.2:0\n' },
      env: { NODE_OPTIONS: `--require ${hide}` },
    })
    t.after(() => haraka.close())
    await haraka.send({ from: 'a@here.example', to: 'b@example.com' })
    await haraka.waitFor(() => haraka.lines(/decided/).length > 0, 'a decision')
    assert.equal(haraka.lines(MISSING).length, 1)
  })
}
