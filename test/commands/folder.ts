import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'

/** A folder that goes when the tests of the file are done. */
export interface Folder {
  readonly path: string
  /** Writes a file, and gives its path. */
  readonly write: (name: string, content: string | Buffer) => string
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'dns-overrides-cli-'))
  after(() => rmSync(path, { recursive: true, force: true }))
  return {
    path,
    write: (name, content) => {
      const file = join(path, name)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
      return file
    },
  }
}

/** The bytes of a queue file, as Haraka writes it (Haraka `outbound/index.js` `build_todo`). */
export function queueBytes(todo: object, message: string): Buffer {
  const header = Buffer.from(`\n${JSON.stringify(todo, undefined, '\t')}\n`)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  return Buffer.concat([length, header, Buffer.from(message)])
}

/** An address as Haraka's JSON has it. */
export function queueAddress(address: string): object {
  const [user = '', host = ''] = address.split('@')
  return { original: `<${address}>`, original_host: host, host, user }
}
