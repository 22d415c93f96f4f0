/**
 * What the start of the command and of Haraka costs: the command beside Node alone, Haraka with this plugin beside one without.
 *
 *     npm run bench -- start
 *
 * Processor time until the command has ended, and until Haraka listens. Linux: Haraka's time is read from /proc.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HarakaServer, type HarakaOptions } from '../support/haraka-server'
import { runCommand } from './command-cost'
import { alternate, median, print, type Row, showRange } from './support'

const ROUNDS = 9
const HARAKA_ROUNDS = 5
/** Of `--help` more than Node alone, milliseconds. */
const GOAL_MS = 24
const LINES = 1_000
/** Ticks of /proc/PID/stat a second (proc(5): `sysconf(_SC_CLK_TCK)`). */
const TICKS = 100

const BIN = join(__dirname, '..', '..', 'lib', 'cli', 'bin.js')
const OVERRIDES = Array.from({ length: LINES }, (_, n) => `d${n}.example smtp.isp.example`).join('\n')

/** User and system time of a process until now, milliseconds. */
function processTime(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  return ((user + system) * 1000) / TICKS
}

async function measureCommand(folder: string): Promise<void> {
  const run = (...argv: string[]) => {
    return async () => runCommand({ argv: [process.execPath, ...argv] }, '', folder).cpu / 1000
  }
  const config = ['--config', join(folder, 'config', 'dns_overrides.ini')]
  const times = await alternate(ROUNDS, {
    node: run('-e', ''),
    help: run(BIN, '--help'),
    check: run(BIN, 'check', ...config),
    explain: run(BIN, 'explain', 'u@d7.example', '--offline', ...config),
  })
  const row = (what: string, name: keyof typeof times, goal?: number): Row => {
    const more = times[name].map((time, round) => time - times.node[round]!)
    const value = `${median(times[name]).toFixed(0)} ms, ${showRange(more, 0)} more than Node`
    if (goal === undefined) return { what, value }
    return { what, value, goal: `${goal} ms more`, met: median(more) <= goal }
  }
  print(`The command, ${LINES} lines, ${ROUNDS} rounds: processor time`, [
    { what: 'Node alone', value: `${showRange(times.node, 0)} ms` },
    row('--help', 'help', GOAL_MS),
    row('check', 'check'),
    row('explain', 'explain'),
  ])
}

async function startTime(options: HarakaOptions): Promise<number> {
  const haraka = await HarakaServer.start(options)
  try {
    return processTime(haraka.pid)
  } finally {
    await haraka.close()
  }
}

async function measureHaraka(): Promise<void> {
  const times = await alternate(HARAKA_ROUNDS, {
    without: () => startTime({ overrides: '', files: { 'config/plugins': 'relay-all\n' } }),
    with: () => startTime({ overrides: OVERRIDES }),
  })
  const more = times.with.map((time, round) => time - times.without[round]!)
  print(`Haraka until it listens, ${HARAKA_ROUNDS} rounds: processor time`, [
    { what: 'without this plugin', value: `${showRange(times.without, 0)} ms` },
    { what: 'with it', value: `${showRange(times.with, 0)} ms, ${showRange(more, 0)} more` },
  ])
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-start-'))
  try {
    mkdirSync(join(folder, 'config'))
    writeFileSync(join(folder, 'config', 'dns_overrides.ini'), OVERRIDES)
    await measureCommand(folder)
    await measureHaraka()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

void main()
