/** Postfix' tables, asked by `postmap -q -`. */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../support/programs'
import { allKeys, type Contender, keysOfLinear, readPairs } from './peers-contender'
import type { Line, Table } from './peers-table'

/** The tables that are packages of their own, and what their modules export (`dynamicmaps.cf.d` of each package). */
const MODULES = {
  lmdb: 'dict_lmdb_open\tmkmap_lmdb_open',
  cdb: 'dict_cdb_open\tmkmap_cdb_open',
  pcre: 'dict_pcre_open',
} as const
const MODULE_FOLDER = 'usr/lib/postfix'
/** lmdb needs room for 100,000 lines. */
const MAIN = `shlib_directory = /${MODULE_FOLDER}\nlmdb_map_size = 268435456\ncompatibility_level = 3.6\n`

const exactLine = ({ domain, server }: Line) => `${domain} ${server}`
const expressionLine = ({ domain, isWildcard, server }: Line) =>
  `/^${isWildcard ? '.*\\.' : ''}${domain.replaceAll('.', '\\.')}$/ ${server}`

/** What is missing is named in `missing`. `root`: where packages were unpacked that are not installed. */
export function findPostfix(root: string, missing: string[]): readonly Contender[] {
  const postmap = findProgram('postmap')
  if (postmap === undefined) {
    missing.push('postmap (Debian: postfix)')
    return []
  }
  const modules = Object.entries(MODULES).flatMap(([type, functions]) => {
    const folders = [`/${MODULE_FOLDER}`, join(root, MODULE_FOLDER)]
    const path = folders.map((folder) => join(folder, `postfix-${type}.so`)).find((file) => existsSync(file))
    if (path === undefined) missing.push(`Postfix' ${type} (Debian: postfix-${type})`)
    return path === undefined ? [] : [{ type, line: `${type}\t${path}\t${functions}\n` }]
  })
  const env = { LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu') }
  const found = new Set(['hash', 'btree', ...modules.map(({ type }) => type)])
  const prepareFolder = (folder: string) => {
    writeFileSync(join(folder, 'main.cf'), `${MAIN}meta_directory = ${folder}\n`)
    writeFileSync(join(folder, 'dynamicmaps.cf'), modules.map(({ line }) => line).join(''))
  }
  const indexed = (type: string): Contender => ({
    name: `Postfix ${type}`,
    kind: 'exact',
    mostKeys: allKeys,
    // cdb is a file in memory, read without a lock: a twentieth of the others.
    mustBeSlower: () => type !== 'cdb',
    prepare({ lines }: Table, folder) {
      prepareFolder(folder)
      const file = join(folder, type)
      writeFileSync(file, `${lines.map(exactLine).join('\n')}\n`)
      execFileSync(postmap, ['-c', folder, `${type}:${file}`], { env: { ...process.env, ...env } })
      return { argv: [postmap, '-c', folder, '-q', '-', `${type}:${file}`], env }
    },
    ask: (domain) => domain,
    read: readPairs,
  })
  const expressions = (type: 'pcre' | 'regexp'): Contender => ({
    name: `Postfix ${type}`,
    kind: 'wildcards',
    mostKeys: keysOfLinear,
    mustBeSlower: (lines) => lines >= 1_000,
    prepare({ lines }: Table, folder) {
      prepareFolder(folder)
      const file = join(folder, type)
      writeFileSync(file, `${lines.map(expressionLine).join('\n')}\n`)
      return { argv: [postmap, '-c', folder, '-q', '-', `${type}:${file}`], env }
    },
    ask: (domain) => domain,
    read: readPairs,
  })
  return [
    ...['hash', 'btree', 'lmdb', 'cdb'].filter((type) => found.has(type)).map(indexed),
    ...(found.has('pcre') ? [expressions('pcre')] : []),
    expressions('regexp'),
  ]
}
