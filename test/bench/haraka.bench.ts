/**
 * What a message costs from Haraka's call of `get_mx` to its answer, when all is known already:
 *
 *     npm run build && npm run build:test && node build/test/bench/haraka.bench.js
 *
 * The hook runs as Haraka runs it, with Haraka's own modules; the log is off (EMERG), so that the line of each decision is made and
 * not written. Processor time of this process; medians of the rounds.
 */
import { readFileSync } from 'node:fs'
import plugin = require('../../index')
import { type HMailItem, RETVAL } from '../../lib/haraka/types'
import { a, mx, startZone } from '../support/dns-scripted'
import { loadHaraka } from '../support/haraka-modules'
import { alternate, costOf, median, print } from './support'

const ROUNDS = 9
const MESSAGES = 5_000

type Hook = (this: object, next: (retval: number, message: unknown) => void, hmail: HMailItem) => void

/** One line of rules about each of so many other domains. */
const OTHERS = Array.from({ length: 10_000 }, (_, n) => `other${n}.example 192.0.2.1`).join('\n')

async function main(): Promise<void> {
  const zone = await startZone({
    'direct.example': [mx(10, 'mx1.direct.example'), mx(10, 'mx2.direct.example')],
    'mx1.direct.example': [a('192.0.2.1'), a('2001:db8::1')],
    'mx2.direct.example': [a('192.0.2.2'), a('2001:db8::2')],
  })
  const haraka = loadHaraka({
    'dns_overrides.ini': `
dns_servers = ${zone.server.address}:${zone.server.port}
[overrides]
${OTHERS}
ruled.example 192.0.2.1:587 $size>1 $from=fred@example.com
`,
  })
  const silent = () => undefined
  const log = Object.fromEntries(
    ['debug', 'info', 'notice', 'warn', 'error', 'crit'].map((level) => [`log${level}`, silent]),
  )
  const self = {
    ...log,
    ...plugin,
    name: 'dns-overrides',
    timeout: 30,
    config: {
      get: (name: string) => readFileSync(`${haraka.folder}/config/${name}`, 'utf8').split('\n'),
    },
    register_hook: silent,
    haraka_require: (name: string) => require(`haraka/${name}`) as unknown,
  }
  // As in a server, not as in a tool.
  const { plugins } = haraka as unknown as { plugins: { server: object } }
  plugins.server = { notes: {}, cfg: { main: { nodes: 0 } } }
  ;(plugin.register as () => void).call(self)
  const route = plugin.route as unknown as Hook
  const byDns = plugin.route_by_dns as unknown as Hook

  // As Haraka's class has them: on a prototype.
  const methods = Object.fromEntries(
    [
      'try_deliver',
      'get_force_tls',
      'try_deliver_host_on_socket',
      'logprotocol',
      'delivered',
      'temp_fail',
    ].map((name) => [name, silent]),
  )
  const message = (domain: string): HMailItem =>
    Object.assign(Object.create(methods) as HMailItem, {
      ...log,
      todo: {
        domain,
        uuid: 'UUID.1.1',
        mail_from: { user: 'fred', host: 'example.com' },
        rcpt_to: [],
        notes: {},
      },
      num_failures: 0,
      file_size: 3000,
      data_start: 500,
      next_cb: silent,
    })

  const answersTo = (domain: string, wanted: number) => () =>
    costOf(async () => {
      for (let n = 0; n < MESSAGES; n++) {
        const list = await new Promise<unknown>((resolve) => {
          const hmail = message(domain)
          route.call(
            self,
            (retval, answer) => {
              if (retval !== RETVAL.cont) resolve(answer)
              else byDns.call(self, (_retval, later) => resolve(later), hmail)
            },
            hmail,
          )
        })
        if (!Array.isArray(list) || list.length !== wanted) throw new Error(`not the answer: ${String(list)}`)
      }
    })
  const results = await alternate(ROUNDS, {
    direct: answersTo('direct.example', 4),
    ruled: answersTo('ruled.example', 1),
  })
  const each = (costs: readonly { cpu: number }[]) => median(costs.map(({ cpu }) => cpu)) / MESSAGES
  const value = (costs: readonly { cpu: number }[]) => `${each(costs).toFixed(1)} us`
  print(`get_mx, all known already, 10,000 lines about other domains, ${ROUNDS} rounds of ${MESSAGES}`, [
    {
      what: 'by MX: 2 hosts, 4 addresses',
      value: value(results.direct),
      goal: 'below 100 us',
      met: each(results.direct) < 100,
    },
    {
      what: 'by a line of the rules',
      value: value(results.ruled),
      goal: 'below 100 us',
      met: each(results.ruled) < 100,
    },
  ])
  ;(plugin.shutdown as () => void).call(self)
  haraka.close()
  await zone.stop()
}

void main()
