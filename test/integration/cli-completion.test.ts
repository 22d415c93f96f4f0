import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { temporaryFolder } from '../commands/folder'
import { CLI } from '../support/cli'
import { needs } from '../support/programs'

// Real shells on a real terminal: a word is begun, the tabulator is pressed, and the program shows what it was called with.

const run = promisify(execFile)
const folder = temporaryFolder()
folder.write(
  'config/dns_overrides.ini',
  '[relay:isp]\nhost = smtp.isp.example\n[direct:microsoft]\ntls = required\n[overrides]\n* @isp\n',
)
folder.write('other.ini', '[relay:backup]\nhost = smtp.backup.example\n[overrides]\n* @backup\n')
// Completion asks the program for names; anything else is only shown.
folder.write(
  'bin/dns-overrides',
  `#!/bin/sh
case $1 in completion) exec '${process.execPath}' '${CLI}' "$@" ;; esac
echo "called: $*."
`,
)
chmodSync(join(folder.path, 'bin/dns-overrides'), 0o755)

/** What is typed, with `\t` for the tabulator, and the words that the program gets. */
const TYPED: readonly (readonly [string, string])[] = [
  ['che\t', 'check'],
  ['explain --tim\t', 'explain --timeline'],
  ['explain --failed gre\t', 'explain --failed greeting'],
  ['relays --hold is\t', 'relays --hold isp'],
  ['relays --hold mic\t', 'relays --hold microsoft'],
  ['relays --resume=mic\t', 'relays --resume=microsoft'],
  ['probe is\t', 'probe isp'],
  ['explain --mx 10\t', 'explain --mx 10'],
  ['relays --config other.ini --hold ba\t', 'relays --config other.ini --hold backup'],
  ['check oth\t', 'check other.ini'],
  ['help prob\t', 'help probe'],
]

/** How each shell is started without anybody's settings, and how it loads the script. */
const SHELLS = {
  bash: { start: 'bash --norc --noprofile -i', load: 'eval "$(dns-overrides completion bash)"' },
  zsh: {
    start: 'zsh -f -i',
    load: 'autoload -U compinit; compinit -u -D; source <(dns-overrides completion zsh)',
  },
  fish: { start: 'fish --no-config -i', load: 'dns-overrides completion fish | source' },
} as const

for (const [shell, { start, load }] of Object.entries(SHELLS)) {
  test(`completion works in ${shell}`, { skip: needs(shell, 'script') }, async () => {
    const child = run('script', ['-qfec', start, '/dev/null'], {
      cwd: folder.path,
      env: {
        ...process.env,
        HOME: folder.path,
        TERM: 'dumb',
        PATH: `${join(folder.path, 'bin')}:${process.env.PATH}`,
      },
      timeout: 60_000,
    })
    child.child.stdin?.end([load, ...TYPED.map(([typed]) => `dns-overrides ${typed}`), 'exit', ''].join('\n'))
    const { stdout } = await child
    assert.doesNotMatch(stdout, /command not found|_arguments:/)
    for (const [, words] of TYPED)
      assert.ok(stdout.replaceAll(' .', '.').includes(`called: ${words}.`), `${words}: ${stdout}`)
  })
}

test('completion for an unsupported shell is an error', async () => {
  await assert.rejects(run(process.execPath, [CLI, 'completion', 'csh']), /the shells are bash, zsh, fish/)
})
