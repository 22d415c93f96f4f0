/**
 * The plugin's hooks as Haraka calls them, with Haraka's own modules and a DNS server on loopback, but without a server: what one
 * message costs from the call of `get_mx` to its answer can be looked at alone. The log is off (EMERG).
 */
import { readFileSync } from 'node:fs'
import plugin = require('../../index')
import type { HMailItem } from '../../lib/haraka-objects/outbound'
import { RETVAL } from '../../lib/haraka-objects/plugin'
import { WATCHED_METHODS } from '../../lib/haraka/delivery/hooks'
import { a, mx, startZone } from './dns-scripted'
import { loadHaraka } from './haraka-modules'

type Hook = (this: object, next: (retval: number, message: unknown) => void, hmail: HMailItem) => void

/** One line of rules about each of 10,000 other domains. */
const OTHERS = Array.from({ length: 10_000 }, (_, n) => `other${n}.example 192.0.2.1`).join('\n')

/**
 * `direct.example` has two MX hosts of two addresses each, and so has each `coldN.example`; a line says where `ruled.example` goes, and
 * another, if there is a relay, that `relayed.example` goes there.
 */
export type HarnessDomain = 'direct.example' | 'ruled.example' | 'relayed.example' | `cold${number}.example`

export interface GetMxHarness {
  /** A message in Haraka's queue, as far as the hook looks at it. */
  message(domain: HarnessDomain): HMailItem
  /** From the call of the hook to its answer, whose exchanges come out. The attempt goes on. */
  begin(hmail: HMailItem): Promise<readonly unknown[]>
  /** As `begin`; then the attempt ends. */
  ask(hmail: HMailItem): Promise<readonly unknown[]>
  /** Questions that the DNS server has got. */
  queries(): number
  stop(): Promise<void>
}

const silent = () => undefined

export interface GetMxHarnessOptions {
  /** Further sections of the file: a relay is `[relay:isp]`. */
  readonly sections?: string
  /** How many `coldN.example` there are. */
  readonly cold?: number
}

export async function startGetMxHarness({
  sections = '',
  cold = 0,
}: GetMxHarnessOptions = {}): Promise<GetMxHarness> {
  const hosts = [mx(10, 'mx1.direct.example'), mx(10, 'mx2.direct.example')]
  const zone = await startZone({
    'direct.example': hosts,
    ...Object.fromEntries(Array.from({ length: cold }, (_, n) => [`cold${n}.example`, hosts])),
    'mx1.direct.example': [a('192.0.2.1'), a('2001:db8::1')],
    'mx2.direct.example': [a('192.0.2.2'), a('2001:db8::2')],
  })
  const haraka = loadHaraka({
    'dns_overrides.ini': `
dns_servers = ${zone.server.address}:${zone.server.port}
[overrides]
${OTHERS}
ruled.example 192.0.2.1:587 $size>1 $from=fred@example.com
${sections.includes('[relay:isp]') ? 'relayed.example @isp' : ''}
${sections}
`,
  })
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
  plugins.server = { notes: {}, cfg: { main: { nodes: 0, listen: '127.0.0.1:2525' } } }
  ;(plugin.register as () => void).call(self)
  const route = plugin.route as unknown as Hook
  const byDns = plugin.route_by_dns as unknown as Hook
  let count = 0
  // As Haraka's class has them: on a prototype.
  const methods = {
    ...log,
    ...Object.fromEntries(WATCHED_METHODS.map((name) => [name, silent])),
  }
  const answerOf = (hmail: HMailItem, onAnswer: () => void): Promise<readonly unknown[]> =>
    new Promise((resolve, reject) => {
      const answer = (retval: number, list: unknown) => {
        onAnswer()
        if (Array.isArray(list)) resolve(list)
        else reject(new Error(`not a list: ${retval} ${String(list)}`))
      }
      route.call(
        self,
        (retval, list) => {
          if (retval === RETVAL.cont) byDns.call(self, answer, hmail)
          else answer(retval, list)
        },
        hmail,
      )
    })
  return {
    message: (domain) =>
      Object.assign(Object.create(methods) as HMailItem, {
        todo: {
          domain,
          uuid: 'UUID.1.1',
          mail_from: { user: 'fred', host: 'example.com' },
          rcpt_to: [],
          notes: {},
        },
        num_failures: 0,
        path: `/var/spool/haraka/${domain}_${++count}`,
        file_size: 3000,
        data_start: 500,
        next_cb: silent,
      }),
    begin: (hmail) => answerOf(hmail, () => {}),
    ask: (hmail) => answerOf(hmail, () => hmail.next_cb()),
    queries: () => zone.queries.length,
    async stop() {
      ;(plugin.shutdown as () => void).call(self)
      haraka.close()
      await zone.stop()
    },
  }
}
