/**
 * Our decision beside the tables of Postfix and Exim, with the same lines and the same keys, and the answers of all compared:
 *
 *     PEERS=/tmp/peers npm run bench -- peers -- [ROUNDS [LINES ...]]
 *
 * Debian's postfix and exim4 exclude each other. Postfix is installed; the rest is only unpacked, and run with files of its own:
 *
 *     mkdir /tmp/peers && cd /tmp/peers
 *     apt-get download postfix-lmdb postfix-cdb postfix-pcre libcdb1 tinycdb exim4-daemon-light libidn12 libnss-wrapper
 *     for package in *.deb; do dpkg-deb -x "$package" .; done
 *
 * What is missing is named and left out. All, ours too, are programs that read a key a line from a file and write a line for each answer
 * to another. What counts is the processor time of many keys less that of a few: without the start, the reading of the table, and the warming up of a JIT. Every
 * second key has no line.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configure } from '../support/rules'
import { type Command, runCommand } from './command-cost'
import { allKeys, type Contender, readPairs } from './peers-contender'
import { findExim } from './peers-exim'
import { ownCommand, ownFile, serverFinder } from './peers-own'
import { findPostfix } from './peers-postfix'
import { makeKeys, makeTable, type Table, type TableKind } from './peers-table'
import { costOf, median, print, type Row, showRange } from './support'

const [ROUNDS = 3, ...GIVEN_SIZES] = process.argv.slice(2).map(Number)
const SIZES = GIVEN_SIZES.length > 0 ? GIVEN_SIZES : [10, 100, 1_000, 10_000, 100_000]
const FEW_KEYS = 20_000
const OWN = 'ours'

const own = (kind: TableKind): Contender => ({
  name: OWN,
  kind,
  mostKeys: allKeys,
  mustBeSlower: () => false,
  prepare(table, folder) {
    const file = join(folder, 'own.ini')
    writeFileSync(file, ownFile(table))
    return ownCommand(file)
  },
  ask: (domain) => domain,
  read: readPairs,
})

interface Prepared {
  readonly contender: Contender
  readonly command: Command
  readonly few: readonly string[]
  readonly many: readonly string[]
  readonly folder: string
}

function prepare(contender: Contender, table: Table, parent: string): Prepared {
  const folder = join(parent, contender.name.replaceAll(/\W+/g, '-'))
  mkdirSync(folder)
  const many = makeKeys(table, contender.mostKeys(table.lines.length))
  const few = many.slice(0, Math.min(FEW_KEYS, Math.floor(many.length / 10)))
  return { contender, command: contender.prepare(table, folder), few, many, folder }
}

/** Microseconds of a key, and the answers to the many. */
function measure({ contender, command, few, many, folder }: Prepared) {
  const run = (keys: readonly string[]) =>
    runCommand(command, keys.map((key) => `${contender.ask(key, folder)}\n`).join(''), folder)
  const start = run(few)
  const whole = run(many)
  return {
    cost: (whole.cpu - start.cpu) / (many.length - few.length),
    answers: contender.read(whole.output, many),
  }
}

/** The decision alone, in this process: microseconds. */
async function measureAlone(table: Table): Promise<number> {
  const serverFor = serverFinder(configure(ownFile(table)).rules)
  const keys = makeKeys(table, allKeys(table.lines.length))
  const decideAll = () => {
    for (const key of keys) serverFor(key)
  }
  decideAll()
  return (await costOf(decideAll)).cpu / keys.length
}

/** How many of the keys the two answer differently. */
function countDifferences(
  keys: readonly string[],
  ours: ReadonlyMap<string, string>,
  theirs: ReadonlyMap<string, string>,
): number {
  return keys.filter((key) => ours.get(key) !== theirs.get(key)).length
}

async function compare(kind: TableKind, size: number, peers: readonly Contender[]): Promise<void> {
  const table = makeTable(kind, size)
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-peers-'))
  try {
    const all = [own(kind), ...peers.filter((peer) => peer.kind === kind)].map((contender) =>
      prepare(contender, table, folder),
    )
    const costs = new Map<string, number[]>(all.map(({ contender }) => [contender.name, []]))
    const differences = new Map<string, number>()
    const alone: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      let ours: ReadonlyMap<string, string> = new Map()
      for (const prepared of all) {
        const { cost, answers } = measure(prepared)
        const { name } = prepared.contender
        costs.get(name)!.push(cost)
        if (name === OWN) ours = answers
        else differences.set(name, countDifferences(prepared.many, ours, answers))
      }
      alone.push(await measureAlone(table))
    }
    report(table, costs, { peers, differences, alone })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface ReportParts {
  readonly peers: readonly Contender[]
  readonly differences: ReadonlyMap<string, number>
  readonly alone: readonly number[]
}

function report(
  { kind, lines }: Table,
  costs: ReadonlyMap<string, readonly number[]>,
  { peers, differences, alone }: ReportParts,
): void {
  const ours = costs.get(OWN)!
  const rows = [...costs].map(([name, each]): Row => {
    if (name === OWN) return { what: name, value: `${showRange(each)} us` }
    const ratios = each.map((cost, round) => cost / ours[round]!)
    const different = differences.get(name)!
    const value = `${showRange(each)} us, x ${showRange(ratios, 1)}, ${different} answers differ`
    const isSlower = peers.find((peer) => peer.name === name)?.mustBeSlower(lines.length) === true
    const met = different === 0 && (!isSlower || median(ratios) > 1)
    return { what: name, value, goal: isSlower ? 'above x 1, 0 differ' : '0 differ', met }
  })
  rows.splice(1, 0, { what: 'ours, the decision alone', value: `${showRange(alone)} us` })
  print(`${lines.length} lines, ${kind}: processor time of a key, and how often ours`, rows)
}

async function main(): Promise<void> {
  const root = process.env.PEERS ?? '/tmp/peers'
  const missing: string[] = []
  const peers = [...findPostfix(root, missing), ...findExim(root, missing)]
  for (const each of missing) console.log(`missing, so left out: ${each}`)
  for (const size of SIZES)
    for (const kind of ['exact', 'wildcards'] as const) await compare(kind, size, peers)
}

void main()
