/**
 * Runs benchmarks one after the other, each in a process of its own: `npm run bench` all, `npm run bench -- rules drain` these. What
 * follows `--` after the names goes to each. Ends with status 1 if one misses a goal, fails or takes too long.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describeMachine } from './support'

const END = '.bench.js'
/** The longest that one may take. */
const LIMIT_MS = 20 * 60_000

function main(): void {
  const known = readdirSync(__dirname)
    .filter((file) => file.endsWith(END))
    .map((file) => file.slice(0, -END.length))
  const given = process.argv.slice(2)
  const divider = given.includes('--') ? given.indexOf('--') : given.length
  const names = given.slice(0, divider)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    console.error(`no benchmark is called ${unknown.join(', ')}; there are ${known.join(', ')}`)
    process.exitCode = 2
    return
  }
  for (const name of names.length === 0 ? known : names) {
    console.log(`\n== ${name}: ${describeMachine()}`)
    const { status, signal } = spawnSync(
      process.execPath,
      [join(__dirname, `${name}${END}`), ...given.slice(divider + 1)],
      { stdio: 'inherit', timeout: LIMIT_MS },
    )
    if (status === 0) continue
    console.log(`${name}: ${signal === null ? `status ${status}` : `ended by ${signal}`}`)
    process.exitCode = 1
  }
}

main()
