import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { temporaryFolder } from '../commands/folder'
import { CLI } from '../support/cli'
import { needs } from '../support/programs'

// --watch as a person uses it: a process of its own that ends at Ctrl-C.

const folder = temporaryFolder()
folder.write('config/dns_overrides.ini', 'gmail.com smtp.myisp.com\n')

for (const command of ['rules', 'relays']) {
  test(`${command} --watch on a pipe: Ctrl-C ends with status 0`, async () => {
    const child = spawn(process.execPath, [CLI, command, '--watch'], { cwd: folder.path, stdio: 'pipe' })
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
    assert.deepEqual([status, signal], [0, null])
  })

  test(`${command} --watch ends at the next change after the reader has closed the pipe`, async () => {
    const child = spawn(process.execPath, [CLI, command, '--watch'], { cwd: folder.path, stdio: 'pipe' })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    folder.write(
      'config/dns_overrides.ini',
      `${command}.example smtp.myisp.com\n[relay:${command}]\nhost = 127.0.0.1\n`,
    )
    const [status, signal] = (await once(child, 'close')) as [number | null, string | null]
    assert.deepEqual([status, signal], [0, null])
  })

  test(
    `${command} --watch on a terminal of 80 columns: Ctrl-C restores the screen`,
    { skip: needs('script') },
    async () => {
      // Ctrl-C reaches the shell as well: the trap keeps any shell alive to say the status.
      const line = `trap : INT; stty cols 80 rows 24; ${process.execPath} ${CLI} ${command} --watch; echo "status $?"`
      // script(1) runs the line on a terminal of its own; what it reads is typed there.
      const child = spawn('script', ['-qec', line, '/dev/null'], {
        cwd: folder.path,
        env: { ...process.env, TERM: 'xterm' },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      let out = ''
      for await (const chunk of child.stdout) {
        const before = out
        out += String(chunk)
        if (out.includes('\u001b[J') && !before.includes('\u001b[J')) child.stdin.write('\u0003')
        if (out.includes('status ')) break
      }
      child.stdin.end()
      assert.ok(out.includes('(Ctrl-C ends)'), out)
      assert.ok(out.includes('\u001b[?1049lstatus 0'), out)
    },
  )
}
