import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMANDS } from '../../lib/cli/table'
import { run } from '../commands/terminal'

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /no command; the commands are check, explain/],
  [['chekc'], /unknown command "chekc"; did you mean check\?/],
  [['frobnicate'], /unknown command "frobnicate"; the commands are check, explain/],
  [['help', 'explian'], /did you mean explain\?/],
  [['help', 'explain', 'more'], /help: unexpected argument "more"/],
  [['check', '--jsn'], /check: unknown option --jsn; did you mean --json\?/],
  [['check', '-x'], /check: unknown option -x/],
  [['check', 'a', 'b'], /check: unexpected argument "b"/],
  [['check', 'a', '--config', 'b'], /FILE and --config both name a file/],
  [['check', '--json=yes'], /--json takes no value/],
  [['resolve'], /resolve: DOMAIN is missing/],
  [['resolve', 'a b'], /"a b" is neither an address nor a domain/],
  [['diff', 'old.ini'], /diff: NEW is missing/],
  [['explain'], /RECIPIENT is missing, and there is no --queue/],
  [['explain', 'a@gmail.com', '--from'], /explain: --from needs a value \(ADDRESS\)/],
  [['explain', 'a@gmail.com', '--from', '--json'], /--from needs a value .*is written --from=--json/],
  [['explain', 'a@gmail.com', '--size', '1', '--size', '2'], /--size is given twice/],
  [['explain', 'a@gmail.com', '--retries', 'x'], /--retries takes a number, not "x"/],
  [['explain', 'a@gmail.com', '--retries', '1.5'], /--retries takes a number, not "1\.5"/],
  [['explain', 'a@gmail.com', '--retries=-1'], /--retries takes a number, not "-1"/],
  [
    ['explain', 'a@gmail.com', '--size', '10X'],
    /--size takes a number of bytes, for example 5000 or 10M, not "10X"/,
  ],
  [['explain', 'a@gmail.com', '--mx', 'mx.example.com'], /--mx: "mx\.example\.com" is not PRIO:HOST/],
  [['explain', 'a@gmail.com', '--mx', '10:'], /--mx: "" is not a host name/],
  [['explain', 'a@gmail.com', '--mx', '70000:mx.example.com'], /PRIO from 0 to 65535/],
  [['explain', 'a@gmail.com', '--mx', '10:a b'], /"a b" is not a host name/],
  [['explain', 'a@b@', '--mx', 'none'], /"a@b@" is not an address/],
  [['explain', '@', '--mx', 'none'], /"@" is not an address/],
  [
    ['explain', '--queue', '/nowhere/at/all'],
    /cannot read the message \/nowhere\/at\/all: there is no such file/,
  ],
  [['probe', '--timeout', '0'], /--timeout takes seconds/],
]

for (const [words, message] of WRONG) {
  test(`wrong usage is one line that points to the help: ${JSON.stringify(words)}`, async () => {
    const { status, out, err } = await run(words)
    assert.equal(status, 64)
    assert.equal(out, '')
    assert.match(err, message)
    assert.match(err, /^dns-overrides: [^\n]*\n$/, 'one line')
    const topic = COMMANDS.some(({ name }) => name === words[0]) ? ` ${words[0]}` : ''
    assert.ok(err.endsWith(`(see dns-overrides help${topic})\n`), err)
  })
}

test('help lists all commands, and each command prints the same help in three ways', async () => {
  const general = await run(['--help'])
  assert.equal(general.status, 0)
  assert.equal(general.out, (await run(['help'])).out)
  for (const { name, summary, options, examples } of COMMANDS) {
    assert.ok(general.out.includes(`${name} `) && general.out.replace(/\s+/g, ' ').includes(summary), name)
    const help = await run(['help', name])
    assert.equal(help.status, 0)
    assert.equal((await run([name, '--help'])).out, help.out)
    const another = `--${options[0]!.name}`
    assert.equal((await run([name, '-h', another, ...(options[0]!.value ? ['x'] : [])])).out, help.out)
    for (const option of options) assert.ok(help.out.includes(`--${option.name}`), `${name} --${option.name}`)
    assert.ok(examples.length > 0, `${name} has an example`)
    for (const { args } of examples) assert.ok(help.out.includes(`dns-overrides ${args}`))
  }
})

for (const columns of [60, 80, 120, 400]) {
  test(`help fits a terminal of ${columns} columns, and no line is longer than 100`, async () => {
    for (const words of [[], ...COMMANDS.map(({ name }) => [name])]) {
      const { out } = await run(['help', ...words], { columns })
      const examples = COMMANDS.flatMap((command) =>
        command.examples.map(({ args }) => `  dns-overrides ${args}`),
      )
      // a command line stays whole, so that it can be copied
      const wide = out
        .split('\n')
        .filter((line) => line.length > Math.min(columns, 100) && !examples.includes(line))
      assert.deepEqual(wide, [], words.join(' '))
    }
  })
}

test('the manual page names every command and option', async () => {
  const { status, out } = await run(['help', '--man'])
  assert.equal(status, 0)
  assert.match(out, /^\.TH DNS\\-OVERRIDES 1 /)
  for (const command of COMMANDS) {
    assert.ok(out.includes(`.SS ${command.name}`), command.name)
    for (const { name } of command.options)
      assert.ok(out.includes(`\\-\\-${name.replaceAll('-', '\\-')}`), name)
  }
})

test('--version prints the version of the package', async () => {
  const { status, out } = await run(['--version'])
  assert.equal(status, 0)
  assert.match(out, /^\d+\.\d+\.\d+\n$/)
})
