import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { maskLine } from '../../lib/rules/mask'
import { HarakaServer } from '../support/haraka-server'
import { startZone, a, mx } from '../support/dns-scripted'
import { startSink, type Received, type Sink } from '../support/smtp-sink'
import type { Submission } from '../support/smtp-client'

// `npm start`: a real Haraka with the plugin, a DNS zone and three SMTP servers, all on loopback and on free ports. Sends sample
// messages, shows which server got which by which line, and stays for messages of the operator's own.

/** A message, the server that must get it, and why. */
interface Sample {
  readonly message: Submission & { readonly to: string }
  readonly goal: 'recipient' | 'relay one' | 'relay two'
  readonly why: string
}

const SAMPLES: readonly Sample[] = [
  { message: { to: 'friend@recipient.example' }, goal: 'recipient', why: 'no line matches: its own MX' },
  { message: { to: 'orders@partner.example' }, goal: 'relay one', why: 'the domain has a line' },
  {
    message: { to: 'colleague@recipient.example', auth: { user: 'joe', password: 'letmein' } },
    goal: 'relay one',
    why: 'joe has authenticated',
  },
  {
    message: { to: 'archive@recipient.example', body: `${'x'.repeat(70)}\r\n`.repeat(2200) },
    goal: 'relay two',
    why: 'it is large',
  },
  {
    message: { to: 'reader@busy.example' },
    goal: 'relay two',
    why: 'its own MX says "later", and $retries counts',
  },
]

const rules = (ports: { dns: number; one: number; two: number }) => `; An edit counts within seconds.
dns_servers        = 127.0.0.1:${ports.dns}
mx_sending_threads = 10

[relay:two]
host     = relay-two.example
port     = ${ports.two}
user     = fred
password = Passw0rd

[overrides]
partner.example   relay-one.example:${ports.one}   $end
*                 relay-one.example:${ports.one}   $authsender=joe   $end
*                 @two                       $size>=100K       $end
*                 @two                       $retries>=1       $end
`

/** The recipients' servers listen on no port 25 here: the documented hook says where. */
const mxPort = (port: number) => `
exports.hook_server_details = (next, delivery, params) => {
    if (params.exchange.host === 'mx.recipient.example') params.exchange.port = ${port}
    next()
}
`

const say = (text = ''): void => void process.stdout.write(`${text}\n`)

/**
 * Settles when the sandbox is to end. Whatever comes after (npm hands on a Ctrl-C that the terminal has sent already) does not
 * keep it from ending its Haraka.
 */
function interruption(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    const stop = () => resolve('interrupted')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
    process.stdout.on('error', stop)
  })
}

/** What the plugin has to say besides who gets what: an edit taken up or refused, a relay left out, a message returned. */
function news(log: string): string[] {
  const shown: string[] = []
  for (const line of log.split('\n')) {
    const [, level = '', text = ''] = /\[([A-Z]+)\] \[[^\]]*\] \[dns-overrides\] (.*)/.exec(line) ?? []
    const [, domain, action, reason] =
      /^decided domain=(\S+) .*action=(\w+) .* reason="(.*)"/.exec(text) ?? []
    if (domain !== undefined) shown.push(`${domain}: ${action}: ${reason}`)
    else if (['NOTICE', 'WARN', 'ERROR', 'CRIT'].includes(level)) shown.push(text)
  }
  return shown
}

/** Shows news as they come, from now on. */
function showNews(haraka: HarakaServer): void {
  let seen = haraka.mark()
  haraka.onLog(() => {
    const end = haraka.log.lastIndexOf('\n') + 1
    if (end <= seen) return
    for (const line of news(haraka.log.slice(seen, end))) say(`  Haraka: ${line}`)
    seen = end
  })
}

/** The line of the rules that sent a message, from the plugin's log line for it. */
function decisionOf(haraka: HarakaServer, message: Received): string {
  const id = /\bid ([0-9A-F-]{36}\.\d+)/.exec(message.data)?.[1]
  if (id === undefined) return ''
  const decision = haraka.lines(new RegExp(`\\[${id}[.\\d]*\\] \\[dns-overrides\\] decided`)).at(-1) ?? ''
  const number = /\blines=(\d+)/.exec(decision)?.[1]
  if (number === undefined) return 'no line: plain DNS'
  const text =
    readFileSync(`${haraka.folder}/config/dns_overrides.ini`, 'utf8').split('\n')[Number(number) - 1] ?? ''
  return `line ${number}: ${maskLine(text, 'overrides').trim().replaceAll(/\s+/g, ' ')}`
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } })
  const interrupted = interruption()

  const recipient = await startSink({
    answer: (stage, _session, address) =>
      stage === 'rcpt' && address.endsWith('@busy.example')
        ? { code: 451, text: 'Busy, try again later' }
        : undefined,
  })
  const one = await startSink()
  const two = await startSink({ users: { fred: 'Passw0rd' }, tls: 'server' })
  const names: ReadonlyMap<Sink, Sample['goal']> = new Map([
    [recipient, 'recipient'],
    [one, 'relay one'],
    [two, 'relay two'],
  ])
  const zone = await startZone({
    'recipient.example': [mx(10, 'mx.recipient.example')],
    'busy.example': [mx(10, 'mx.recipient.example')],
    // Of swaks' sender, for what is returned.
    'client.example': [mx(10, 'mx.recipient.example')],
    'mx.recipient.example': [a('127.0.0.1')],
    'relay-one.example': [a('127.0.0.1')],
    'relay-two.example': [a('127.0.0.1')],
  })
  const haraka = await HarakaServer.start({
    overrides: rules({ dns: zone.port, one: one.port, two: two.port }),
    users: { joe: 'letmein' },
    plugins: { 'mx-port': mxPort(recipient.port) },
  })
  const close = async () => {
    await haraka.close()
    await Promise.all([zone.stop(), ...[...names.keys()].map((sink) => sink.close())])
  }

  say(`Haraka listens on 127.0.0.1:${haraka.port}; its folder is ${haraka.folder}`)
  say(
    `DNS on port ${zone.port}; SMTP: recipient ${recipient.port}, relay one ${one.port}, relay two ${two.port}`,
  )
  say(`\nThe rules, config/dns_overrides.ini:\n`)
  rules({ dns: zone.port, one: one.port, two: two.port })
    .trimEnd()
    .split('\n')
    .forEach((line, index) =>
      say(`${String(index + 1).padStart(4)}  ${line.replace(/^(password *= *).*/, '$1****')}`),
    )
  say('\nMail as it arrives:\n')

  const seen: { goal: Sample['goal']; to: string }[] = []
  for (const [sink, goal] of names) {
    sink.onReceived(() => {
      const message = sink.received.at(-1)!
      for (const to of message.rcptTo) {
        seen.push({ goal, to })
        const login =
          message.user === '' ? '' : ` (as ${message.user}, ${message.secure ? 'over TLS' : 'in clear'})`
        say(`  ${goal.padEnd(10)} got the mail to ${to.padEnd(28)} ${decisionOf(haraka, message)}${login}`)
      }
    })
  }

  const sendSamples = async () => {
    for (const { message } of SAMPLES) await haraka.send(message)
    const all = () => SAMPLES.every(({ message }) => seen.some(({ to }) => to === message.to))
    await haraka.waitFor(all, 'all the samples to arrive', [...names.keys()], 60_000)
  }

  try {
    if ((await Promise.race([sendSamples(), interrupted])) === 'interrupted') return 1
    const wrong = SAMPLES.filter(
      ({ message, goal }) =>
        seen
          .filter(({ to }) => to === message.to)
          .map((arrival) => arrival.goal)
          .join() !== goal,
    )
    for (const { message, goal, why } of wrong)
      say(`  WRONG: the mail to ${message.to} belongs to ${goal}: ${why}`)
    say(wrong.length === 0 ? `\nEach of the ${SAMPLES.length} messages arrived where it should, once.` : '')
    if (values.once || wrong.length > 0) return wrong.length === 0 ? 0 : 1
    say('\nSend your own, for example:\n')
    say(`  swaks --server 127.0.0.1:${haraka.port} --from you@client.example --to someone@partner.example`)
    say(`\nand ask why:\n`)
    say(
      `  node dist/lib/cli/bin.js explain someone@partner.example --config ${haraka.folder}/config/dns_overrides.ini`,
    )
    say(`\nEdit the rules there and send again. Ctrl-C ends it.\n`)
    showNews(haraka)
    await interrupted
    return 0
  } finally {
    await close()
  }
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  },
)
