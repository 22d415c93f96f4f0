import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LONGEST_SECRET, readNamedFile, readRegularFile, readTextInSteps } from '../../lib/files/read-file'
import { finish } from '../../lib/model/steps'
import { whyUnreadable } from '../../lib/files/unreadable'

describe('reading a path', () => {
  let folder = ''
  const at = (name: string) => join(folder, name)
  before(() => (folder = mkdtempSync(join(tmpdir(), 'read-file-'))))
  after(() => rmSync(folder, { recursive: true }))

  const why = (path: string, limit = LONGEST_SECRET): string => {
    try {
      readRegularFile(path, limit)
    } catch (error) {
      return whyUnreadable(error)
    }
    return 'it was read'
  }

  it('a regular file gives its bytes and its permissions, also through a link', () => {
    writeFileSync(at('file'), 'h\u00e9llo\n')
    chmodSync(at('file'), 0o640)
    symlinkSync(at('file'), at('link'))
    for (const name of ['file', 'link']) {
      const { bytes, mode } = readRegularFile(at(name), 100)
      assert.deepEqual([bytes.toString(), mode], ['h\u00e9llo\n', 0o640])
    }
    writeFileSync(at('empty'), '')
    assert.equal(readRegularFile(at('empty'), 0).bytes.length, 0)
  })

  it('a text is read in parts that end with lines, and characters are not cut', () => {
    const text = Array.from({ length: 30_000 }, (_, n) => `${n} \u00e9\u{1f4e7}`).join('\r\n')
    writeFileSync(at('text'), text)
    chmodSync(at('text'), 0o640)
    const seen: Buffer[] = []
    const read = finish(readTextInSteps(at('text'), 1_000_000, (chunk) => void seen.push(Buffer.from(chunk))))
    assert.ok(read.text.length > 3)
    assert.deepEqual([read.text.join(''), read.mode], [text, 0o640])
    assert.equal(Buffer.concat(seen).toString(), text)
  })

  it('a file of unknown size is read, such as those of /proc', () => {
    assert.match(readRegularFile('/proc/self/status', 100_000).bytes.toString(), /^Name:/)
  })

  it('a FIFO without a writer does not block', () => {
    execFileSync('mkfifo', [at('fifo')])
    assert.equal(why(at('fifo')), 'it is not a regular file')
  })

  it('a stream that the caller has opened is read to its end, and no further than the limit', () => {
    writeFileSync(at('open'), '0123456789')
    const descriptor = openSync(at('open'), 'r')
    try {
      for (const path of [`/dev/fd/${descriptor}`, `/proc/self/fd/${descriptor}`]) {
        assert.equal(readNamedFile(path, 10).bytes.toString(), '0123456789')
        assert.throws(() => readNamedFile(path, 9), { code: 'EFBIG' })
      }
    } finally {
      closeSync(descriptor)
    }
    assert.throws(() => readNamedFile(at('fifo'), 9), { code: 'ENOTFILE' })
  })

  it('a device is not read', () => {
    assert.equal(why('/dev/zero'), 'it is not a regular file')
    assert.equal(why('/dev/null'), 'it is not a regular file')
  })

  it('a socket is not read', async () => {
    const server = createServer().listen(at('socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    try {
      assert.match(why(at('socket')), /ENXIO|not a regular file/)
    } finally {
      server.close()
    }
  })

  it('a folder is not read', () => {
    mkdirSync(at('folder'))
    assert.equal(why(at('folder')), 'it is a folder')
  })

  it('a file of 100 MB is not read', () => {
    writeFileSync(at('large'), '')
    truncateSync(at('large'), 100_000_000)
    const begin = process.memoryUsage().rss
    assert.equal(why(at('large')), 'it has more than 64 KiB')
    assert.ok(process.memoryUsage().rss - begin < 50_000_000)
  })

  it('a file of exactly the limit is read, one byte more is not', () => {
    writeFileSync(at('edge'), 'x'.repeat(1024))
    assert.equal(readRegularFile(at('edge'), 1024).bytes.length, 1024)
    assert.equal(why(at('edge'), 1023), `it has more than ${1023 / 1024} KiB`)
  })

  it('a path that is missing or forbidden gives a message', () => {
    assert.equal(why(at('none')), 'there is no such file')
    assert.equal(
      whyUnreadable(Object.assign(new Error('x'), { code: 'EACCES' })),
      'this user may not read it',
    )
  })
})
