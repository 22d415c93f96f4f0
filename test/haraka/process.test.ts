import assert from 'node:assert/strict'
import { cpus } from 'node:os'
import { test } from 'node:test'
import { processRole, type ProcessRole } from '../../lib/haraka/process'
import type { HarakaPlugin } from '../../lib/haraka-objects/plugin'

const root = { uid: 0, gid: 0 }

/** What Haraka has read of smtp.ini; undefined: no server is running. */
const cases: [string, Record<string, unknown> | undefined, Partial<ProcessRole>][] = [
  ['a tool', undefined, { kind: 'tool', workers: { count: 1, id: 1 } }],
  [
    'one process',
    { nodes: 0 },
    { kind: 'sender', workers: { count: 1, id: 1 }, replaceable: false, owner: undefined },
  ],
  ['the first of three', { nodes: 3 }, { kind: 'master', workers: { count: 3, id: 1 }, replaceable: false }],
  ['a worker for each CPU', { nodes: 'cpus' }, { kind: 'master', workers: { count: cpus().length, id: 1 } }],
  [
    'where it takes mail',
    { nodes: 0, listen: '127.0.0.1:2525, [::1]:25' },
    {
      listens: [
        { host: '127.0.0.1', port: 2525 },
        { host: '::1', port: 25 },
      ],
    },
  ],
  ['a user by name', { nodes: 0, user: 'root' }, { owner: root }],
  ['a user and a group by number', { nodes: 0, user: 0, group: '0' }, { owner: root }],
  ['a user that there is not', { nodes: 0, user: 'no such user' }, { owner: undefined }],
]
for (const [name, main, wanted] of cases) {
  test(`the role of this process: ${name}`, () => {
    const server = main === undefined ? { notes: {} } : { notes: {}, cfg: { main } }
    const plugin = { haraka_require: () => ({ server }) } as unknown as HarakaPlugin
    const role = processRole(plugin)
    for (const [key, value] of Object.entries(wanted))
      assert.deepEqual(role[key as keyof ProcessRole], value, key)
  })
}
