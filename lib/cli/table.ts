import type { CommandSpec, OptionSpec } from './command-spec'
import { COMMON_OPTIONS, CONFIG, JSON_OUTPUT, WATCH } from './options'

/** Loaded when it is asked for: the general help does not need it, and it takes six files. */
const loadMessageOptions = () =>
  (require('./message-options') as typeof import('./message-options')).MESSAGE_OPTIONS

/** Every command, in the order of the help: the one source of parsing, help, manual page and completion. */
export const COMMANDS: readonly CommandSpec[] = Object.freeze<CommandSpec[]>([
  {
    name: 'check',
    summary: 'find errors and likely mistakes in the configuration',
    operands: [{ name: 'FILE', kind: 'path', optional: true }],
    options: [CONFIG, JSON_OUTPUT],
    details: [
      'With an error Haraka does not start, and on a reload it keeps the configuration that is in force. Warnings are about text that is legal but probably not intended, and about lines of [tests] that fail; they do not change the exit status. Each is printed with its place, the line with a caret, and what was expected.',
      'If FILE is -, standard input is read.',
    ],
    examples: [
      { args: 'check', purpose: 'Before Haraka is restarted' },
      { args: 'check /tmp/new.ini --json', purpose: 'For an editor or a build' },
    ],
    exits: ['config'],
    load: () => (require('../commands/check') as typeof import('../commands/check')).runCheck,
  },
  {
    name: 'explain',
    summary: 'show where a message would be sent, and why',
    operands: [{ name: 'RECIPIENT', kind: 'text', optional: true }],
    get options(): readonly OptionSpec[] {
      return [
        {
          name: 'to',
          value: { name: 'ADDRESS', kind: 'text' },
          repeats: true,
          summary: 'another recipient of the same message, in the same domain; may be given several times',
        },
        ...loadMessageOptions(),
        {
          name: 'queue',
          value: { name: 'FILE', kind: 'file' },
          summary: "take sender, size, attempts, user and recipients from a file of Haraka's queue",
        },
        {
          name: 'timeline',
          summary: 'show this attempt and each retry until the message would bounce',
        },
        { name: 'all', summary: 'list the override lines for other domains too' },
        {
          name: 'offline',
          summary: 'ignore the holds, breakers and limits of the running server',
        },
        JSON_OUTPUT,
        CONFIG,
      ]
    },
    details: [
      'If $rcpt sends the recipients of the message different ways, each group is shown as a separate message. The exit status is then 68 if one of these would bounce, else 75 if one would be deferred.',
      'RECIPIENT is an address or a domain. With --queue it may be left out; other options replace what the queue file says.',
      'If a Haraka with this configuration is running, its holds, breakers and limits count, unless --offline is given.',
      "--timeline uses the retry intervals of Haraka's outbound.ini.",
      'Other plugins with a hook for get_mx or server_details may change the result; those in config/plugins are listed.',
    ],
    examples: [
      { args: 'explain a@gmail.com', purpose: 'Ask DNS as Haraka would' },
      {
        args: "explain a@gmail.com --retries 4 --from '' --mx 10:mx.example.net",
        purpose: 'Without a DNS query',
      },
      { args: 'explain a@gmail.com --to b@gmail.com', purpose: 'One message to both' },
      { args: 'explain a@gmail.com --timeline', purpose: 'From now until it would bounce' },
      {
        args: 'explain --queue queue/1779000000000_1779000600000_2_814_Xk0q1c_3_mail',
        purpose: 'A message that waits in the queue',
      },
    ],
    exits: ['noRoute', 'tempFail', 'config'],
    load: () => (require('../commands/explain') as typeof import('../commands/explain')).runExplain,
  },
  {
    name: 'resolve',
    summary: 'show what DNS says about a domain: its mail servers, their addresses and TTLs',
    operands: [{ name: 'DOMAIN', kind: 'text' }],
    options: [JSON_OUTPUT, CONFIG],
    details: ['It uses the DNS settings of the configuration, and ignores its override lines.'],
    examples: [
      { args: 'resolve example.com', purpose: 'Where a message would be sent that no override line matches' },
    ],
    exits: ['noRoute', 'tempFail', 'config'],
    load: () => (require('../commands/resolve') as typeof import('../commands/resolve')).runResolve,
  },
  {
    name: 'probe',
    summary: 'connect to each relay and test address, TLS, certificate and login; no mail is sent',
    operands: [{ name: 'NAME', kind: 'relay', optional: true, repeats: true }],
    options: [
      {
        name: 'timeout',
        value: { name: 'SECONDS', kind: 'text' },
        summary: 'for each step of each connection (default 10)',
      },
      JSON_OUTPUT,
      CONFIG,
    ],
    details: [
      'NAME is a named relay, or the host of an override line. Without one, all named relays and all servers of override lines are probed.',
      'Each problem is printed with advice. The password is sent as Haraka would send it: only over an encrypted connection, unless allow_plaintext_auth is set.',
    ],
    examples: [
      { args: 'probe', purpose: 'All of them' },
      { args: 'probe isp --timeout 3', purpose: 'The relay of [relay:isp]' },
    ],
    exits: ['tempFail', 'config'],
    load: () => (require('../commands/probe') as typeof import('../commands/probe')).runProbe,
  },
  {
    name: 'relays',
    summary: 'show the state of the relays; hold and resume them by hand',
    operands: [],
    options: [
      {
        name: 'hold',
        value: { name: 'NAME', kind: 'section' },
        summary: 'send no mail to this relay, or on these terms, until it is resumed',
      },
      {
        name: 'for',
        value: { name: 'TIME', kind: 'text' },
        summary: 'with --hold: resume after 30m, 2h, 1d ...',
      },
      {
        name: 'reason',
        value: { name: 'TEXT', kind: 'text' },
        summary: 'with --hold: the reason, which others are shown',
      },
      { name: 'resume', value: { name: 'NAME', kind: 'section' }, summary: 'send mail to this relay again' },
      WATCH,
      JSON_OUTPUT,
      CONFIG,
    ],
    details: [
      'Shows for each relay, over all workers of the running server, whether it is usable, held, or left out after failures (and until when), its connections, and its messages of the last hour; the same for [direct:NAME], and for [direct] if it has limits, with the MX hosts that are left out.',
      'The server and this command share the folder dns_overrides_state of the Haraka folder. The server makes it at start; only the user that runs the server, and root, can enter it. --hold and --resume wait until every worker has confirmed it. A hold survives a restart.',
      'Exit status 75: a relay or terms are held, a relay is left out or has no address, or its state is not known. After --hold and --resume: not every worker has confirmed it.',
    ],
    examples: [
      { args: 'relays', purpose: 'All of them' },
      {
        args: "relays --hold isp --for 2h --reason 'maintenance of the provider'",
        purpose: 'Before the relay is taken down',
      },
    ],
    exits: ['fault', 'tempFail', 'config'],
    load: () => (require('../commands/relays') as typeof import('../commands/relays')).runRelays,
  },
  {
    name: 'rules',
    summary: 'show what the running server has in force, and how often each override line was hit',
    operands: [],
    options: [WATCH, JSON_OUTPUT, CONFIG],
    details: [
      'Shows since when the rules are in force and whether the file has changed since; for each override line its hits over all workers since the server started, and its last use; and the lines that were never hit. A line keeps its hits while its text does not change.',
      'On a terminal, long lines are cut to its width.',
      'Exit status 75: no server runs, it cannot be asked, or its rules in force are not those of the file. 78: the file has an error.',
    ],
    examples: [
      { args: 'rules', purpose: 'Which lines are used, and whether the last edit is in force' },
      { args: 'rules --watch', purpose: 'While test messages are sent' },
    ],
    exits: ['tempFail', 'config'],
    load: () => (require('../commands/rules') as typeof import('../commands/rules')).runRules,
  },
  {
    name: 'why',
    summary: 'tell the story of one message: what was tried, what it waits for, what comes next',
    operands: [{ name: 'ID', kind: 'file', optional: true }],
    options: [
      {
        name: 'to',
        value: { name: 'ADDRESS', kind: 'text' },
        summary: 'the messages to this recipient',
      },
      JSON_OUTPUT,
      CONFIG,
    ],
    details: [
      'ID is the id in brackets of the log, also without the numbers after the point; or a file of the queue: its path, or its name as haraka --qlist prints it.',
      'For a message in the queue it shows each attempt with time, line, server, TLS, and the reply or the failure; what the message waits for; what the current rules do with it; and the next attempts. A message that has left the queue is known while it is among the last decisions of the running server; after that, search the log.',
      'If there are several messages, the first 20 are listed. Exit status: as explain for one message in the queue; 70 if nothing is known of it; 75 if this user may not read the queue.',
    ],
    examples: [
      { args: 'why 8B1F2C3D-1111-4222-8333-444455556666.1.1', purpose: 'A message that the log names' },
      { args: 'why --to a@gmail.com', purpose: 'Somebody asks where the mail is' },
    ],
    exits: ['noRoute', 'fault', 'tempFail', 'config'],
    load: () => (require('../commands/why') as typeof import('../commands/why')).runWhy,
  },
  {
    name: 'test',
    summary: 'run the expectations in section [tests] of the configuration',
    operands: [{ name: 'FILE', kind: 'path', optional: true }],
    options: [
      {
        name: 'coverage',
        summary:
          'also list the override lines that no expectation reaches, each with an expectation to paste',
      },
      CONFIG,
      JSON_OUTPUT,
    ],
    details: [
      'An expectation is SENDER -> RECIPIENT [retries=N] [size=N] [auth=USER] [age=TIME] [reply="TEXT"] [failed=STEP] [mx=PRIO:HOST,...] : EXPECTED. SENDER may be <>. EXPECTED is bounce, defer, or a list of servers in the order in which they are tried: HOST[:PORT], @NAME for a named relay, direct for the mail servers of the domain itself.',
      'DNS is not asked: without mx= the domain has one MX, mx.DOMAIN.',
      'If FILE is -, standard input is read.',
    ],
    examples: [
      { args: 'test', purpose: 'After an edit, before Haraka reads it' },
      { args: 'test --coverage', purpose: 'Lines that are not tested yet' },
    ],
    exits: ['config'],
    load: () => (require('../commands/test') as typeof import('../commands/test')).runTest,
  },
  {
    name: 'diff',
    summary: 'show which messages a changed configuration would send elsewhere, and by which line',
    operands: [
      { name: 'OLD', kind: 'path' },
      { name: 'NEW', kind: 'path' },
      { name: 'LIST', kind: 'file', optional: true },
    ],
    options: [
      {
        name: 'queue',
        value: { name: 'FOLDER', kind: 'folder' },
        summary: "compare the messages of Haraka's queue folder",
      },
      {
        name: 'lookup',
        summary: 'look up MX records in DNS; without it a domain has one MX, mx.DOMAIN',
      },
      JSON_OUTPUT,
    ],
    details: [
      'LIST has one message on each line: SENDER RECIPIENT [retries=N] [size=N] [auth=USER] [age=TIME] [reply="TEXT"] [failed=STEP] [mx=PRIO:HOST,...]. If OLD, NEW or LIST is -, standard input is read. Without LIST and --queue, the messages are those of section [tests] of both files.',
    ],
    examples: [
      {
        args: 'diff config/dns_overrides.ini new.ini --queue queue',
        purpose: 'How the change affects the mail that waits',
      },
      { args: 'diff old.ini new.ini messages.txt', purpose: 'How it affects a list of typical messages' },
      {
        args: 'diff <(git show HEAD:config/dns_overrides.ini) config/dns_overrides.ini',
        purpose: 'How an edit that is not committed affects the messages of [tests]',
      },
    ],
    exits: ['config'],
    load: () => (require('../commands/diff') as typeof import('../commands/diff')).runDiff,
  },
  {
    name: 'doctor',
    summary: 'check everything from the installation to the running server, and say what to do',
    operands: [],
    options: [JSON_OUTPUT, CONFIG],
    details: [
      'Run it first when something does not work. Is the plugin installed, and named in config/plugins? Is the file there, without errors, and do its tests hold? Can the user that runs Haraka read it and its secrets? Do the DNS servers answer? Does the running server have this file in force? Is a relay held or left out?',
      'Run it as root or as the user that runs Haraka: other users may not see everything. It changes nothing, and sends no mail.',
      'Exit status 78: there is an error. 75: there is a warning.',
    ],
    examples: [{ args: 'doctor', purpose: 'In the Haraka folder' }],
    exits: ['tempFail', 'config'],
    load: () => (require('../commands/doctor') as typeof import('../commands/doctor')).runDoctor,
  },
  {
    name: 'completion',
    summary: 'print the script that completes commands, options and names of relays in a shell',
    operands: [{ name: 'SHELL', kind: 'word', words: ['bash', 'zsh', 'fish'], optional: true }],
    options: [
      {
        name: 'names',
        value: { name: 'KIND', kind: 'word', words: ['relay', 'section'] },
        summary: 'print the names of the relays instead, or of all that can be held: the scripts use it',
      },
      CONFIG,
    ],
    details: ['SHELL is bash (4 or later), zsh or fish.'],
    examples: [
      { args: 'completion bash > /etc/bash_completion.d/dns-overrides', purpose: 'For all users of bash' },
      { args: 'completion zsh > ~/.zfunc/_dns-overrides', purpose: 'For zsh, if fpath has ~/.zfunc' },
      { args: 'completion fish > ~/.config/fish/completions/dns-overrides.fish', purpose: 'For fish' },
    ],
    exits: ['config'],
    load: () => {
      const { runCompletion } = require('./completion') as typeof import('./completion')
      return (args, terminal) => runCompletion(args, terminal, { commands: COMMANDS, common: COMMON_OPTIONS })
    },
  },
])
