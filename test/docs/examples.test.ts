import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { loadConfiguration } from '../../lib/routing/configuration'
import { lint } from '../../lib/rules/lint'
import { formatDiagnostic } from '../../lib/source/format'
import { temporaryFolder } from '../commands/folder'
import {
  commandsOf,
  isShown,
  PAGES,
  readPage,
  UPDATE,
  updatePage,
  type Block,
  type Command,
} from './document'
import { openShell } from './shell'

// Every ini block of the pages is loaded, every command is run, and what it prints is compared. See "The pages" in CONTRIBUTING.md.

/** The path in the Haraka folder that a block is written to; undefined for a block that is not written to a file. */
function fileOf({ language, marks }: Block): string | undefined {
  const named = marks.find((mark) => mark.startsWith('file='))?.slice('file='.length)
  return named ?? (language === 'ini' ? 'config/dns_overrides.ini' : undefined)
}

/** Errors and warnings of an override file, as `check` has them. */
function diagnosticsOf(text: string, file: string): readonly string[] {
  const secrets = { env: {}, readFile: () => ({ text: 'secret\n', mode: 0o600 }) }
  const { configuration, diagnostics } = loadConfiguration(text, { file, secrets })
  const warnings =
    configuration === undefined
      ? []
      : lint(configuration, { text, retryIntervalsSeconds: [60, 300, 3600, 7200, 9999] })
  return [...diagnostics, ...warnings].map((diagnostic) => formatDiagnostic(diagnostic))
}

for (const path of PAGES) {
  describe(path, () => {
    const { blocks } = readPage(path)
    const folder = temporaryFolder()
    const shell = openShell(folder.path)
    const outputs = new Map<Command, string>()
    after(() => updatePage(path, outputs))

    // What needs a running server is in test/integration/docs-server.test.ts.
    for (const block of blocks.filter(({ marks }) => !marks.includes('server'))) {
      const file = fileOf(block)
      if (file !== undefined) {
        it(`line ${block.line}: ${file}`, () => {
          chmodSync(folder.write(file, `${block.text}\n`), 0o600)
          if (!file.endsWith('dns_overrides.ini')) return
          const found = diagnosticsOf(block.text, join(folder.path, file))
          if (block.marks.includes('bad')) assert.notDeepEqual(found, [])
          else assert.deepEqual(found, [])
        })
      }
      for (const each of block.language === 'console' ? commandsOf(block) : []) {
        it(`line ${each.line}: ${each.command}`, async () => {
          const output = await shell(each.command)
          if (isShown(output, each.output)) return
          if (UPDATE) outputs.set(each, output)
          else
            assert.equal(
              output,
              each.output,
              `${path}:${each.line} shows another output; npm run docs:update writes this one`,
            )
        })
      }
    }
  })
}
