/** Replies made to cost time: pointer chains through the guard, and the costliest message that the guard lets pass. */
import { Packet } from 'dns2'
import { judge } from '../../lib/dns/guard'
import { startScripted } from '../support/dns-scripted'
import { encodeMessage, encodeQuestion, FLAGS, rawRecord, TYPES, u16, wireName } from '../support/dns-wire'
import { ours } from './dns-contenders'
import { costOf, median, print, type Row } from './support'

const RUNS = 200
const NAME = 'hostile.example'
const QUERY = encodeMessage({ id: 7, flags: FLAGS.RD, question: encodeQuestion(NAME, TYPES.MX) })
const NULL_TYPE = 10
/** Only the first 16 kB can be pointed at (RFC 1035 4.1.4). */
const REACH = 0x3fff

/** A chain of pointers, each to the one before, and as many records as fit whose owner is the end of the chain. */
function pointerChains(size: number, counted: number): Buffer {
  const start = QUERY.length + 11
  const half = Math.min(REACH, QUERY.length + (size >> 1))
  const links = (half - start) >> 1
  const chain = Buffer.alloc(links * 2)
  for (let link = 0; link < links; link++) {
    chain.writeUInt16BE(0xc000 | (link === 0 ? 12 : start + (link - 1) * 2), link * 2)
  }
  const head = [wireName(''), u16(NULL_TYPE), u16(1), Buffer.alloc(4), u16(chain.length), chain]
  const end = start + chain.length - 2
  const record = Buffer.concat([u16(0xc000 | end), u16(NULL_TYPE), u16(1), Buffer.alloc(4), u16(0)])
  const count = Math.floor((size - start - chain.length) / record.length)
  const message = Buffer.concat([QUERY, ...head, ...Array.from({ length: count }, () => record)])
  message.writeUInt16BE(FLAGS.QR | FLAGS.RD | FLAGS.RA, 2)
  message.writeUInt16BE(counted === 0 ? count + 1 : counted, 6)
  return message
}

/** Names as long as they may be, pointed at by as many records as may be. */
function costly(): Buffer {
  const long = Array.from({ length: 3 }, () => 'x'.repeat(61)).join('.')
  const target = Buffer.concat([u16(1), wireName(`${long}.example`)])
  const at = QUERY.length + wireName(NAME).length + 10 + 2
  const again = rawRecord(NAME, TYPES.MX, Buffer.concat([u16(2), u16(0xc000 | at)]))
  const answers = [rawRecord(NAME, TYPES.MX, target), ...Array.from({ length: 150 }, () => again)]
  return encodeMessage({ id: 7, question: encodeQuestion(NAME, TYPES.MX), answers })
}

function timeOf(runs: number, work: () => void): number {
  const times = Array.from({ length: runs }, () => {
    const started = performance.now()
    work()
    return performance.now() - started
  })
  return median(times)
}

const milliseconds = (value: number): string => `${value.toFixed(value < 1 ? 4 : 1)} ms`
const guard = (message: Buffer, limit: number): string => judge(message, QUERY, QUERY.length, limit)

export async function hostile(): Promise<void> {
  const rows: Row[] = []
  for (const [what, size, limit] of [
    ['1232 octets of pointer chains (UDP)', 1232, 1232],
    ['16 kB of pointer chains (TCP)', 16_384, 16_384],
    ['65 kB of pointer chains, were it not for the limit of 16 kB', 65_535, 65_535],
  ] as const) {
    for (const [counts, counted] of [
      ['', 0],
      [', 200 records counted', 200],
    ] as const) {
      const message = pointerChains(size, counted)
      if (guard(message, limit) === 'whole') throw new Error('the guard lets it pass')
      const time = timeOf(RUNS, () => guard(message, limit))
      rows.push({
        what: `guard: ${what}${counts}`,
        value: milliseconds(time),
        goal: 'under 2 ms',
        met: time < 2,
      })
    }
    const message = pointerChains(size, 0)
    rows.push({
      what: `dns2 alone: ${what.split(',')[0]!}`,
      value: milliseconds(timeOf(1, () => Packet.parse(message))),
    })
  }
  const passes = costly()
  if (guard(passes, 65_535) !== 'whole') throw new Error('the guard does not let it pass')
  const late = Buffer.concat([passes, Buffer.alloc(1)])
  const scan = timeOf(RUNS, () => guard(late, 65_535))
  rows.push({
    what: 'guard: the costliest, refused at its last octet',
    value: milliseconds(scan),
    goal: 'under 2 ms',
    met: scan < 2,
  })
  const parsed = await received(passes)
  rows.push({
    what: `whole way in: the costliest that passes, ${passes.length} octets`,
    value: milliseconds(parsed),
    goal: 'under 2 ms',
    met: parsed < 2,
  })
  const refused = await received(pointerChains(65_535, 0))
  rows.push({
    what: 'whole way in: 65 kB of pointer chains',
    value: milliseconds(refused),
    goal: 'under 2 ms',
    met: refused < 2,
  })
  print('Hostile answers', rows)
}

/** CPU of a lookup by TCP that is answered with this message, less that of one answered at once with an empty answer. */
async function received(message: Buffer): Promise<number> {
  let reply = message
  const server = await startScripted((query) => {
    if (query.transport === 'udp') {
      query.reply({ flags: FLAGS.QR | FLAGS.TC })
      return
    }
    const bytes = Buffer.from(reply)
    bytes.writeUInt16BE(query.id, 0)
    query.send(bytes)
  })
  const resolver = ours(server.port, 0, { tries: 1 })
  const cost = async (bytes: Buffer): Promise<number> => {
    reply = bytes
    const costs: number[] = []
    for (let run = 0; run < RUNS; run++)
      costs.push((await costOf(async () => void (await resolver.mx(NAME)))).wall)
    return median(costs) / 1000
  }
  const empty = encodeMessage({ id: 7, question: encodeQuestion(NAME, TYPES.MX) })
  await cost(empty)
  const extra = (await cost(message)) - (await cost(empty))
  resolver.close()
  await server.stop()
  return Math.max(0, extra)
}
