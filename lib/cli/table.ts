import type { CommandSpec, OptionSpec } from '../commands/shared/types'

/** Options that every command takes. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: 'help', short: 'h', summary: 'say how it is used' },
]

const CONFIG: OptionSpec = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  summary: 'the file; default config/dns_overrides.ini of $HARAKA, else of this folder',
}
const JSON_OUTPUT: OptionSpec = { name: 'json', summary: 'print JSON' }
const QUEUE_FILE: OptionSpec = {
  name: 'queue',
  value: 'FILE',
  summary: "a message in Haraka's queue: its sender, size, attempts, authenticated user and recipients",
}

/** The options that describe a message. */
const MESSAGE: readonly OptionSpec[] = [
  {
    name: 'from',
    value: 'ADDRESS',
    summary: "envelope sender; '' or '<>' for the null sender (the default)",
  },
  { name: 'auth-sender', value: 'USER', summary: 'user name that the sender authenticated with' },
  { name: 'size', value: 'N', summary: 'bytes as sent; K, M and G are understood (default 0)' },
  { name: 'retries', value: 'N', summary: 'delivery attempts already made (default 0)' },
  {
    name: 'mx',
    value: 'PRIO:HOST,...',
    summary: 'the MX answer, so that nothing is looked up; also none, nxdomain, fail',
  },
]

/** Every command, in the order of help. The one source of parsing, help and the manual page. */
export const COMMANDS: readonly CommandSpec[] = Object.freeze<CommandSpec[]>([
  {
    name: 'check',
    summary: 'errors in the file, and warnings of what is legal and surely not meant',
    operands: [{ name: 'FILE', optional: true }],
    options: [CONFIG, JSON_OUTPUT],
    details: [
      'Each is printed with its place, the line with a caret, and what was expected. Errors are those that stop Haraka at start-up. Warnings do not change the exit status.',
    ],
    examples: [
      { args: 'check', does: 'before Haraka is restarted' },
      { args: 'check /tmp/new.ini --json', does: 'for an editor or a build' },
    ],
    exits: ['config'],
    load: () => (require('../commands/check') as typeof import('../commands/check')).runCheck,
  },
  {
    name: 'explain',
    summary: 'where a message would go and why: every line, and the first condition that failed',
    operands: [{ name: 'RECIPIENT', optional: true }],
    options: [
      ...MESSAGE,
      QUEUE_FILE,
      {
        name: 'timeline',
        summary: 'the decision at the first attempt and at each retry until the message would bounce',
      },
      JSON_OUTPUT,
      CONFIG,
    ],
    details: [
      'RECIPIENT is an address, or a domain alone. With --queue it may be left out; what is given beside --queue replaces what the queue file says.',
      "--timeline uses the retry intervals of Haraka's outbound.ini, in the folder of the file.",
    ],
    examples: [
      { args: 'explain a@gmail.com', does: 'asks DNS as Haraka would' },
      {
        args: "explain a@gmail.com --retries 4 --from '' --mx 10:mx.example.net",
        does: 'asks nothing of DNS',
      },
      { args: 'explain a@gmail.com --timeline', does: 'from now until it would bounce' },
      {
        args: 'explain --queue queue/1779000000000_1779000600000_2_814_Xk0q1c_3_mail',
        does: 'a message that waits',
      },
    ],
    exits: ['noRoute', 'tempFail', 'config'],
    load: () => (require('../commands/explain') as typeof import('../commands/explain')).runExplain,
  },
  {
    name: 'resolve',
    summary: "a domain's real exchanges and their addresses, with TTLs and the server that answered",
    operands: [{ name: 'DOMAIN' }],
    options: [JSON_OUTPUT, CONFIG],
    details: ['The override lines play no part; the settings for DNS do.'],
    examples: [{ args: 'resolve example.com', does: 'what a message without override would be sent to' }],
    exits: ['noRoute', 'tempFail', 'config'],
    load: () => (require('../commands/resolve') as typeof import('../commands/resolve')).runResolve,
  },
  {
    name: 'probe',
    summary: 'connects to each relay: address, TLS, certificate, AUTH; sends no mail',
    operands: [{ name: 'NAME', optional: true, repeats: true }],
    options: [
      { name: 'timeout', value: 'SECONDS', summary: 'for each step of each connection (default 10)' },
      JSON_OUTPUT,
      CONFIG,
    ],
    details: [
      'NAME is a named relay, or the host of an override line; without one, all are probed: the named relays, and the servers written in override lines.',
      'What is wrong is said with what to do about it. Credentials are sent as Haraka would send them: over an encrypted connection only, unless allow_plaintext_auth is set.',
    ],
    examples: [
      { args: 'probe', does: 'all of them' },
      { args: 'probe isp --timeout 3', does: 'the relay of [relay:isp]' },
    ],
    exits: ['tempFail', 'config'],
    load: () => (require('../commands/probe') as typeof import('../commands/probe')).runProbe,
  },
  {
    name: 'relays',
    summary: 'what the running server knows of its relays; holds and resumes them by hand',
    operands: [],
    options: [
      { name: 'hold', value: 'NAME', summary: 'no mail goes to this relay until it is resumed' },
      { name: 'resume', value: 'NAME', summary: 'mail goes to it again' },
      JSON_OUTPUT,
      CONFIG,
    ],
    details: [
      'For each relay, over all workers: is it in use, held or left out after failures and until when; connections; messages of the last hour.',
      'The server and this command meet in the folder dns_overrides_state of the Haraka folder, which the server makes at start and only its user and root can enter. A hold takes effect at once and outlives a restart.',
    ],
    examples: [
      { args: 'relays', does: 'all of them' },
      { args: 'relays --hold isp', does: 'before the relay is taken down' },
    ],
    exits: ['config'],
    load: () => (require('../commands/relays') as typeof import('../commands/relays')).runRelays,
  },
  {
    name: 'test',
    summary: "runs the file's own expectations, the lines of its section [tests]",
    operands: [{ name: 'FILE', optional: true }],
    options: [CONFIG, JSON_OUTPUT],
    details: [
      'A line is SENDER -> RECIPIENT [retries=N] [size=N] [auth=USER] [mx=PRIO:HOST,...] : EXPECTED. SENDER may be <>. EXPECTED is a list HOST[:PORT], ... in the order in which they are tried, or @NAME for a named relay, or direct, bounce, defer.',
      'Nothing is looked up: without mx= the domain has the one MX mx.DOMAIN.',
    ],
    examples: [{ args: 'test', does: 'after a change, before Haraka takes it up' }],
    exits: ['config'],
    load: () => (require('../commands/test') as typeof import('../commands/test')).runTest,
  },
  {
    name: 'diff',
    summary: 'which messages would go elsewhere under a new file, and by which line',
    operands: [{ name: 'OLD' }, { name: 'NEW' }, { name: 'LIST', optional: true }],
    options: [
      { name: 'queue', value: 'FOLDER', summary: "the messages of Haraka's queue folder" },
      { name: 'lookup', summary: 'ask DNS for MX records; without it the domain has the one MX mx.DOMAIN' },
      JSON_OUTPUT,
    ],
    details: [
      'LIST has one message a line: SENDER RECIPIENT [retries=N] [size=N] [auth=USER] [mx=PRIO:HOST,...]; - is the standard input. Without LIST and --queue, the messages are those of the [tests] of both files.',
    ],
    examples: [
      {
        args: 'diff config/dns_overrides.ini new.ini --queue queue',
        does: 'what the change does to the mail that waits',
      },
      { args: 'diff old.ini new.ini messages.txt', does: 'what it does to a list of typical messages' },
    ],
    exits: ['config'],
    load: () => (require('../commands/diff') as typeof import('../commands/diff')).runDiff,
  },
])
