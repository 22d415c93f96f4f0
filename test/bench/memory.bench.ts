/**
 * What stays in Haraka's memory after many messages, against a Haraka with a plugin of one line in place of this one:
 *
 *     npm run bench -- memory -- [MESSAGES]
 *
 * A real Haraka, real messages, scripted servers; the heap after a collection and some seconds of rest.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { a, mx, startZone } from '../support/dns-scripted'
import { HarakaServer } from '../support/haraka-server'
import { SmtpClient } from '../support/smtp-client'
import { startScripted, type Scripted, type ScriptedOptions } from '../support/smtp-scripted'
import { print } from './support'

const MESSAGES = Number(process.argv[2] ?? 10_000)
const CLIENTS = 16
/** Before the measurement, so that what is made once is not counted as kept. */
const WARM_UP = 200
const REST = 8_000
const ALLOWANCE = 5

/** Says on SIGUSR2 what is on the heap. */
const METER = `
const { setFlagsFromString } = require('node:v8')
setFlagsFromString('--expose-gc')
const gc = require('node:vm').runInNewContext('gc')
exports.register = function () {
  let count = 0
  process.on('SIGUSR2', () => {
    for (let i = 0; i < 5; i++) gc()
    this.lognotice('heap ' + ++count + ' ' + process.memoryUsage().heapUsed)
  })
}
`

const ONE_LINE = `
exports.hook_get_mx = (next) => next(OK, { exchange: '127.0.0.1', port: Number(process.env.GOOD) })
`

/** MX records have no port. */
const PORTS = `
const ports = JSON.parse(process.env.PORTS)
exports.hook_server_details = (next, _message, { exchange }) => {
  exchange.port = ports[exchange.host] ?? exchange.port
  next()
}
`

const says = (verb: string, text: string): ScriptedOptions => ({
  script: (said) => (said === verb ? text : undefined),
})

async function sendMany(haraka: HarakaServer, domain: string, count: number): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await SmtpClient.open(haraka.port)
      while (left-- > 0) await client.send({ to: `u@${domain}` })
      await client.quit()
    }),
  )
  await haraka.waitFor(() => haraka.queueFiles().length === 0, `delivery to ${domain}`, [], 600_000)
}

async function heap(haraka: HarakaServer): Promise<number> {
  await sleep(REST)
  const mark = haraka.mark()
  process.kill(haraka.pid, 'SIGUSR2')
  const line = await haraka.waitForLog(/heap \d+ \d+/, mark)
  return Number(/heap \d+ (\d+)/.exec(line)![1]) / 1e6
}

/** Megabytes that the messages have left on the heap. Printed as well: the whole takes long. */
async function growth(haraka: HarakaServer, domain: string): Promise<number> {
  await sendMany(haraka, domain, WARM_UP)
  const before = await heap(haraka)
  await sendMany(haraka, domain, MESSAGES)
  const grown = (await heap(haraka)) - before
  console.error(`${domain}: ${before.toFixed(1)} MB before, ${grown.toFixed(1)} MB more after`)
  return grown
}

async function main(): Promise<void> {
  const good = await startScripted()
  const servers: Record<string, Scripted> = {
    good,
    tls: await startScripted({ capabilities: ['STARTTLS'] }),
    refused: await startScripted(says('CONNECT', '554 no')),
    broken: await startScripted(says('RCPT', 'close')),
  }
  const zone = await startZone({
    ...Object.fromEntries(Object.keys(servers).map((name) => [`${name}.test`, [a('127.0.0.1')]])),
    'direct.example': [mx(10, 'good.test')],
    'direct-tls.example': [mx(10, 'tls.test')],
    'direct-refused.example': [mx(10, 'refused.test'), mx(20, 'good.test')],
    'direct-broken.example': [mx(10, 'broken.test'), mx(20, 'good.test')],
  })
  const common = {
    loglevel: 'NOTICE',
    outbound: ['temp_fail_intervals=5s*10', 'local_mx_ok=true', 'concurrency_max=50'],
  }
  const floor = await HarakaServer.start({
    ...common,
    overrides: '',
    plugins: { meter: METER, 'one-line': ONE_LINE },
    files: { 'config/plugins': 'relay-all\nmeter\none-line\n' },
    env: { GOOD: String(good.port) },
  })
  const floorGrowth = await growth(floor, 'floor.example')
  await floor.close()

  const ports = Object.fromEntries(Object.entries(servers).map(([name, { port }]) => [`${name}.test`, port]))
  const to = (name: string, priority: number) => `127.0.0.1:${servers[name]!.port} $priority:${priority}`
  const results: { what: string; value: string; goal: string; met: boolean }[] = [
    { what: 'one line of get_mx', value: `${floorGrowth.toFixed(1)} MB`, goal: '-', met: true },
  ]
  for (const domain of [
    'direct.example',
    'direct-tls.example',
    'direct-refused.example',
    'direct-broken.example',
    'relay.example',
    'relay-tls.example',
    'relay-broken.example',
  ]) {
    const haraka = await HarakaServer.start({
      ...common,
      overrides: [
        `dns_servers = 127.0.0.1:${zone.port}`,
        '[overrides]',
        `relay.example ${to('good', 1)}`,
        `relay-tls.example ${to('tls', 1)}`,
        `relay-broken.example ${to('broken', 1)}`,
        `relay-broken.example ${to('good', 2)}`,
      ].join('\n'),
      plugins: { meter: METER, ports: PORTS },
      env: { PORTS: JSON.stringify(ports) },
    })
    const grown = await growth(haraka, domain)
    await haraka.close()
    results.push({
      what: domain,
      value: `${grown.toFixed(1)} MB`,
      goal: `below ${(floorGrowth + ALLOWANCE).toFixed(1)} MB`,
      met: grown < floorGrowth + ALLOWANCE,
    })
  }
  print(`heap left by ${MESSAGES} delivered messages after ${REST / 1000} s of rest`, results)
  await Promise.all(Object.values(servers).map((server) => server.close()))
  await zone.stop()
}

void main()
