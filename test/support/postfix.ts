import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from './dns-servers'
import { findProgram, needs } from './programs'

/** A real Postfix on loopback, which takes mail for nobody. */
export interface Postfix {
  /** STARTTLS is offered here. */
  readonly port: number
  /** TLS from the first byte here. */
  readonly securePort: number
  stop(): Promise<void>
}

/** Postfix refuses to be started by anybody but root. For a test's `skip` option. */
export function needsPostfix(): false | string {
  return needs('postfix') || (process.getuid?.() === 0 ? false : 'Postfix is started by root only')
}

/** How often it is asked whether the server listens, milliseconds. */
const ASK_EVERY = 20

/** Processes that stand by for the SMTP servers. */
const SERVICES = [
  'pickup unix n - n 60 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'proxymap unix - - n - - proxymap',
  'anvil unix - - n - 1 anvil',
  'postlog unix-dgram n - n - 1 postlogd',
]

/** The number of the user that Postfix runs as. */
function postfixUser(): number {
  const entry = /^postfix:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))
  return Number(entry?.[1] ?? 0)
}

/** Starts Postfix with the certificate of that name from the fixtures. */
export async function startPostfix(certificate: string): Promise<Postfix> {
  const folder = mkdtempSync(join(tmpdir(), 'postfix-'))
  // its processes run as another user and go through the folder
  chmodSync(folder, 0o755)
  for (const name of ['etc', 'spool', 'data']) mkdirSync(join(folder, name))
  chownSync(join(folder, 'data'), postfixUser(), 0)
  for (const suffix of ['pem', 'key']) {
    copyFileSync(`test/fixtures/tls/${certificate}.${suffix}`, join(folder, 'etc', `server.${suffix}`))
  }
  const port = await freePort()
  const securePort = await freePort()
  writeFileSync(
    join(folder, 'etc', 'main.cf'),
    [
      'compatibility_level = 3.6',
      `queue_directory = ${folder}/spool`,
      `data_directory = ${folder}/data`,
      // /dev/stdout cannot be opened where it is a socket, as it is for a child of Node
      `maillog_file_prefixes = ${folder}`,
      `maillog_file = ${folder}/log`,
      'myhostname = relay.example',
      'mydestination =',
      'alias_maps =',
      'inet_interfaces = 127.0.0.1',
      'inet_protocols = ipv4',
      `smtpd_tls_cert_file = ${folder}/etc/server.pem`,
      `smtpd_tls_key_file = ${folder}/etc/server.key`,
      'smtpd_tls_security_level = may',
      '',
    ].join('\n'),
  )
  const servers = [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    `127.0.0.1:${securePort} inet n - n - - smtpd`,
    '  -o smtpd_tls_wrappermode=yes',
  ]
  writeFileSync(join(folder, 'etc', 'master.cf'), [...servers, ...SERVICES, ''].join('\n'))
  const child = spawn(findProgram('postfix')!, ['-c', join(folder, 'etc'), 'start-fg'], { stdio: 'ignore' })
  const stop = async () => {
    // start-fg waits for the master process, which writes its number into this file, and ends with it
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      process.kill(Number(readFileSync(join(folder, 'spool', 'pid', 'master.pid'), 'utf8')), 'SIGTERM')
      await ended
    }
    rmSync(folder, { recursive: true, force: true })
  }
  if (!(await listening(child, [port, securePort]))) {
    const log = readFileSync(join(folder, 'log'), 'utf8')
    await stop()
    throw new Error(`Postfix ended: ${log}`)
  }
  return { port, securePort, stop }
}

/** Waits until both ports are taken connections on; a server that ends before is an error. */
async function listening(child: ChildProcess, ports: readonly number[]): Promise<boolean> {
  for (const port of ports) {
    while (!(await accepts(port))) {
      if (child.exitCode !== null || child.signalCode !== null) return false
      await setTimeout(ASK_EVERY)
    }
  }
  return true
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
