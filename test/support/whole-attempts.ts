/** Whole attempts to deliver one message each, from the call of `get_mx` to the end of the connection, with all known already. */
import { EventEmitter } from 'node:events'
import type { HarakaMxLike, HMailItem } from '../../lib/haraka-objects/outbound'
import type { HarakaSocket } from '../../lib/haraka-objects/socket'
import type { MeasuredWork } from './allocations'
import { type HarnessDomain, startGetMxHarness } from './get-mx-harness'

/** What the server says, and what Haraka says to it. */
const CONVERSATION: readonly { readonly says: string; readonly answer?: string }[] = [
  { says: '220 mx.example ESMTP\r\n', answer: 'EHLO haraka.example' },
  { says: '250-mx.example\r\n' },
  { says: '250-PIPELINING\r\n' },
  { says: '250-8BITMIME\r\n' },
  { says: '250 SMTPUTF8\r\n', answer: 'MAIL FROM:<fred@example.com>' },
  { says: '250 Accepted\r\n', answer: 'RCPT TO:<u@example.com>' },
  { says: '250 Accepted\r\n', answer: 'DATA' },
  { says: '354 End data with <CR><LF>.<CR><LF>\r\n', answer: '.' },
  { says: '250 OK: message queued\r\n', answer: 'QUIT' },
]
const GOODBYE = '221 Bye\r\n'
const PACKET = Buffer.from(GOODBYE)

const quiet = () => {}

/** A socket of Haraka (`tls_socket.js`) of which only the events are real: there is no network. */
function createSocket(): EventEmitter & HarakaSocket & { readonly targetsocket: EventEmitter } {
  return Object.assign(new EventEmitter(), {
    writable: true,
    targetsocket: Object.assign(new EventEmitter(), { bytesWritten: 0, writableLength: 0, destroy: quiet }),
    write: () => true,
    upgrade: quiet,
    destroy: quiet,
    isEncrypted: () => false,
  }) as unknown as ReturnType<typeof createSocket>
}

/** Haraka's part of a connection (`outbound/hmail.js`), as far as this plugin sees it. */
function converse(hmail: HMailItem, mx: HarakaMxLike, socket: ReturnType<typeof createSocket>): void {
  hmail.try_deliver_host_on_socket(mx, mx.exchange ?? '', 25, socket)
  for (const { says, answer } of CONVERSATION) {
    socket.emit('data', PACKET)
    socket.emit('line', says)
    hmail.logprotocol(`S: ${says}`)
    if (answer === undefined) continue
    if (answer === 'QUIT') {
      hmail.delivered('192.0.2.1', 25, 'SMTP', 'mx.example', 'OK', [], [], [], false, false)
      hmail.next_cb()
    }
    hmail.logprotocol(`C: ${answer}`)
    socket.write(`${answer}\r\n`, 'utf8')
  }
  socket.emit('line', GOODBYE)
  socket.targetsocket.emit('close')
  socket.emit('close')
}

/** Attempts for this domain: `relayed.example` goes to a relay. */
export async function startAttempts(domain: HarnessDomain): Promise<MeasuredWork> {
  const harness = await startGetMxHarness({ sections: '[relay:isp]\nhost = 192.0.2.1\n' })
  const rcptTo = [{ user: 'u', host: domain }]
  return {
    times: 1_000,
    async once() {
      const hmail = harness.message(domain)
      Object.assign(hmail.todo, { rcpt_to: rcptTo })
      hmail.mxlist = [...(await harness.begin(hmail))] as HarakaMxLike[]
      hmail.try_deliver()
      const mx = hmail.mxlist.shift()
      if (mx === undefined) throw new Error(`no server for ${domain}`)
      hmail.get_force_tls(mx)
      converse(hmail, mx, createSocket())
    },
    stop: harness.stop,
  }
}
