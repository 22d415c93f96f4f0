/** Exim's lookups, asked by `exim -be` (one string expansion a line) and by `exim -bt` (a whole route). */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './command-cost'
import { allKeys, type Contender, keysOfLinear } from './peers-contender'
import type { Line, Table } from './peers-table'

const EXIM = 'usr/sbin/exim4'
const CDB = 'usr/bin/cdb'
/** Exim of Debian does not start without its user. */
const USER = 'Debian-exim'
/** What `exim -bt` says where no line matches. */
const ELSEWHERE = '198.19.0.1'

const configuration = (folder: string, program: string) => `
primary_hostname = mail.example
exim_path = ${program}
spool_directory = ${folder}/spool
log_file_path = ${folder}/%slog
begin routers
table:
  driver = manualroute
  route_data = \${lookup{$domain}cdb{${folder}/cdb}}
  transport = smtp
elsewhere:
  driver = manualroute
  route_data = ${ELSEWHERE}
  transport = smtp
begin transports
smtp:
  driver = smtp
`

const lineOf = ({ domain, isWildcard, server }: Line) => `${isWildcard ? '*.' : ''}${domain}: ${server}`

/** What is missing is named in `missing`. `root`: where the packages were unpacked. */
export function findExim(root: string, missing: string[]): readonly Contender[] {
  const [program, cdb] = [join(root, EXIM), join(root, CDB)]
  if (!existsSync(program)) missing.push('exim4 (Debian: exim4-daemon-light)')
  if (!existsSync(cdb)) missing.push('cdb (Debian: tinycdb)')
  if (missing.some((text) => /^(exim4|cdb) /.test(text))) return []
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu')

  const prepareCommand = (folder: string, mode: '-be' | '-bt'): Command => {
    mkdirSync(join(folder, 'spool'), { recursive: true })
    writeFileSync(join(folder, 'exim.conf'), configuration(folder, program))
    for (const name of ['passwd', 'group']) {
      const own = name === 'passwd' ? `${USER}:x:901:901::/nonexistent:/bin/false` : `${USER}:x:901:`
      writeFileSync(join(folder, name), `${readFileSync(`/etc/${name}`, 'utf8')}${own}\n`)
    }
    const env = {
      LD_LIBRARY_PATH: libraries,
      LD_PRELOAD: 'libnss_wrapper.so',
      NSS_WRAPPER_PASSWD: join(folder, 'passwd'),
      NSS_WRAPPER_GROUP: join(folder, 'group'),
    }
    // The libraries are for Exim alone, not for the shell that starts it.
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    return { argv: ['env', ...settings, program, '-C', join(folder, 'exim.conf'), mode] }
  }
  const prepareCdb = ({ lines }: Table, folder: string) =>
    execFileSync(cdb, ['-c', '-m', join(folder, 'cdb'), '-'], {
      input: lines.map(({ domain, server }) => `${domain} ${server}\n`).join(''),
      env: { ...process.env, LD_LIBRARY_PATH: libraries },
    })

  const lookup = (type: 'cdb' | 'lsearch' | 'wildlsearch'): Contender => ({
    name: `Exim ${type}`,
    kind: type === 'wildlsearch' ? 'wildcards' : 'exact',
    mostKeys: type === 'cdb' ? allKeys : keysOfLinear,
    mustBeSlower: () => true,
    prepare(table, folder) {
      if (type === 'cdb') prepareCdb(table, folder)
      else writeFileSync(join(folder, type), `${table.lines.map(lineOf).join('\n')}\n`)
      return prepareCommand(folder, '-be')
    },
    ask: (domain, folder) => `\${lookup{${domain}}${type}{${join(folder, type)}}{$value}{-}}`,
    read(output, domains) {
      const servers = [...output.matchAll(/^> (.+)$/gm)].map(([, server]) => server)
      const pairs = domains.map((domain, n) => [domain, servers[n] ?? ''] as const)
      return new Map(pairs.filter(([, server]) => server !== '-'))
    },
  })
  const route: Contender = {
    name: 'Exim cdb, whole route (-bt)',
    kind: 'exact',
    mostKeys: () => 30_000,
    mustBeSlower: () => true,
    prepare(table, folder) {
      prepareCdb(table, folder)
      return prepareCommand(folder, '-bt')
    },
    ask: (domain) => `u@${domain}`,
    read(output) {
      const blocks = [...output.matchAll(/^> u@(\S+)\n.*\n {2}host (\S+)/gm)]
      const pairs = blocks.map(([, domain, server]) => [domain!, server!] as const)
      return new Map(pairs.filter(([, server]) => server !== ELSEWHERE))
    },
  }
  return [lookup('cdb'), lookup('lsearch'), route, lookup('wildlsearch')]
}
