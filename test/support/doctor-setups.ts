import { chmodSync, mkdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fail, startWorker } from '../commands/worker'
import { writeHold } from '../../lib/relays/holds'
import { STATE_FOLDER } from '../../lib/relays/state-folder'
import { INI, lock, makeShortCertificate, OLDER, report } from './doctor-damage'
import { needs } from './programs'
import { configure } from './rules'

/** One thing that is wrong with a server's folder, and what `doctor` says of it. */
export interface BrokenSetup {
  readonly what: string
  /** Files that differ from those of a folder in order; undefined: it is not there. In them DNS stands for a server that answers. */
  readonly files?: Readonly<Record<string, string | undefined>>
  /** What is wrong besides. */
  readonly prepare?: (t: TestContext, folder: string) => void
  /** `doctor` is run by another user than root, if root runs the test. */
  readonly isOther?: boolean
  /** FOLDER stands for the folder. */
  readonly env?: Readonly<Record<string, string>>
  readonly skip?: string | false
  readonly status: 'warning' | 'error'
  readonly says: RegExp
  /** What to do. */
  readonly advice: RegExp
}

/** The package, as Haraka's folder has it. */
export const MANIFEST = 'node_modules/haraka-plugin-dns-overrides/package.json'
const SMTP_INI = 'config/smtp.ini'
/** A user that no process of the test is. */
const OTHER_USER = 65_534
const NEEDS_ROOT = process.getuid?.() !== 0 && 'needs root'

const RELAY = 'dns_servers = DNS\n[relay:isp]\nhost = 192.0.2.1\nport = 587\n'
const WITH_SECRET = `${RELAY}user = fred\npassword_file = secret\n[overrides]\n* @isp\n`

/** Makes the system's DNS servers those of a file of ours. */
const PRELOAD = `
const fs = require('node:fs')
for (const name of ['readFileSync', 'statSync']) {
  const real = fs[name]
  fs[name] = (path, ...rest) => real(path === '/etc/resolv.conf' ? __dirname + '/resolv.conf' : path, ...rest)
}
`

/** Everything that `doctor` can find fault with. */
export const BROKEN_SETUPS: readonly BrokenSetup[] = [
  {
    what: 'no config/plugins',
    files: { 'config/plugins': undefined },
    status: 'error',
    says: /^there is no .*config\/plugins$/,
    advice: /--config or HARAKA.*Write dns-overrides on a line of its own/,
  },
  {
    what: 'the plugin is not named there',
    files: { 'config/plugins': 'access\n#dns-overrides\n' },
    status: 'error',
    says: /config\/plugins does not name dns-overrides, so Haraka does not load it$/,
    advice: /^Write dns-overrides on a line of its own in .*config\/plugins, and restart Haraka/,
  },
  {
    what: 'config/plugins is a folder',
    files: { 'config/plugins': undefined, 'config/plugins/x': '' },
    status: 'error',
    says: /config\/plugins cannot be read: /,
    advice: /^It has to be a text file with the name of a plugin on each line/,
  },
  {
    what: 'this user may not read config/plugins',
    prepare: lock('config/plugins'),
    isOther: true,
    status: 'error',
    says: /config\/plugins cannot be read: /,
    advice: /as root, or as the user that runs Haraka/,
  },
  {
    what: 'the package is not installed',
    files: { [MANIFEST]: undefined },
    status: 'warning',
    says: /node_modules\/haraka-plugin-dns-overrides does not exist$/,
    advice: /^Run npm install haraka-plugin-dns-overrides in /,
  },
  {
    what: 'another version of the package',
    files: { [MANIFEST]: '{"version":"0.0.1"}' },
    status: 'warning',
    says: /^Haraka has version 0\.0\.1 of .*, and this command is of version \d/,
    advice: /run npx dns-overrides: it is of Haraka's version/,
  },
  {
    what: 'a broken package',
    files: { [MANIFEST]: '{' },
    status: 'warning',
    says: /package\.json cannot be read: /,
    advice: /^Run npm install in /,
  },
  {
    what: 'no file',
    files: { [INI]: undefined },
    status: 'warning',
    says: /is missing: there are no rules, and all mail goes by DNS$/,
    advice: /^Write the rules into it\. README has a first file/,
  },
  {
    what: 'the file has the wrong name',
    files: { [INI]: undefined, 'config/dns-overrides.ini': '* a.example\n' },
    status: 'warning',
    says: /config\/dns-overrides\.ini is there: rename it; there are no rules/,
    advice: /^Haraka does not read a file of that name/,
  },
  {
    what: 'an empty file',
    files: { [INI]: '\n' },
    status: 'warning',
    says: /is empty: there are no rules/,
    advice: /^Write the rules into it/,
  },
  {
    what: 'a folder in the place of the file',
    files: { [INI]: undefined, [`${INI}/x`]: '' },
    status: 'error',
    says: /dns_overrides\.ini cannot be read: /,
    advice: /^Haraka does not start with such a file: correct it/,
  },
  {
    what: 'a file with errors',
    files: { [INI]: 'gmail.com\n* @none\n' },
    status: 'error',
    says: /has 2 errors$/,
    advice: /^Run npx dns-overrides check/,
  },
  {
    what: 'an expectation that does not hold',
    files: { [INI]: 'dns_servers = DNS\n[overrides]\n* a.example\n[tests]\n<> -> a@b.example : b.example\n' },
    status: 'error',
    says: /^1 of 1 lines of \[tests\] do not hold$/,
    advice: /^Run npx dns-overrides test: it shows what the rules decide\.$/,
  },
  {
    what: 'the same, where a reload is refused for it',
    files: {
      [INI]:
        'dns_servers = DNS\n[overrides]\n* a.example\n[tests]\non_reload = refuse\n<> -> a@b.example : b.example\n',
    },
    status: 'error',
    says: /^1 of 1 lines of \[tests\] do not hold$/,
    advice: /On a reload Haraka refuses the file\.$/,
  },
  {
    what: 'a secret that does not exist',
    files: { [INI]: WITH_SECRET },
    status: 'error',
    says: /config\/secret does not exist$/,
    advice: /^The file names it for a secret: make it, or correct the path/,
  },
  {
    what: "a secret that Haraka's user may not read",
    files: { [INI]: WITH_SECRET, 'config/secret': 'Passw0rd\n', [SMTP_INI]: 'user=nobody\ngroup=nogroup\n' },
    prepare: lock('config/secret'),
    status: 'error',
    says: /^Haraka \(user nobody of smtp\.ini\) cannot read .*config\/secret$/,
    advice: /^Give that user the right to it: see its owner and mode with ls -ld /,
  },
  {
    what: 'a queue folder that it may not write to',
    files: { 'spool/x': '', 'config/queue_dir': 'spool\n', [SMTP_INI]: 'user=nobody\ngroup=nogroup\n' },
    prepare: lock('spool'),
    status: 'error',
    says: /cannot write to .*spool$/,
    advice: /^Give that user the right to it/,
  },
  {
    what: 'a config folder that it may not enter',
    files: { [SMTP_INI]: 'user=nobody\ngroup=nogroup\n' },
    prepare: (_, folder) => chmodSync(join(folder, 'config'), 0o700),
    skip: NEEDS_ROOT,
    status: 'error',
    says: /cannot enter .*config$/,
    advice: /^Give that user the right to it/,
  },
  {
    what: 'a user of smtp.ini that does not exist',
    files: { [SMTP_INI]: 'user=nobody-at-all\n' },
    skip: NEEDS_ROOT,
    status: 'error',
    says: /^doctor cannot act as user nobody-at-all of smtp\.ini: /,
    advice: /^Correct user and group in smtp\.ini/,
  },
  {
    what: "doctor is run by a user that is neither root nor Haraka's",
    files: { [SMTP_INI]: 'user=12345\n' },
    isOther: true,
    status: 'warning',
    says: /^this user cannot find out whether Haraka \(user 12345 of smtp\.ini\) can read the file$/,
    advice: /^Run doctor as root, or as that user/,
  },
  {
    what: 'a client certificate that ends in a week',
    files: { [INI]: `${RELAY}tls_cert = client.pem\ntls_key = client.key\n[overrides]\n* @isp\n` },
    prepare: makeShortCertificate,
    skip: needs('openssl'),
    status: 'warning',
    says: /^the client certificate of relay isp ends on \d{4}-\d\d-\d\d$/,
    advice: /^Replace its file before that day/,
  },
  {
    what: 'nobody at the address of a DNS server',
    files: {
      [INI]: 'dns_servers = 127.0.0.1:1\n[dns]\ntimeout = 300ms\ndeadline = 1s\n[overrides]\n* a.example\n',
    },
    status: 'warning',
    says: /^the DNS server 127\.0\.0\.1:1 does not answer a question about example\.com: /,
    advice: /address and port in the file.*whether a firewall/,
  },
  {
    what: 'a DNS server of a zone that refuses',
    files: {
      [INI]: 'dns_servers = DNS\n[zone:corp.example]\ndns_servers = DNS\n[overrides]\n* a.example\n',
    },
    status: 'warning',
    says: /of \[zone:corp\.example\] does not answer .*: .*REFUSED/,
    advice: /^See its address and port/,
  },
  {
    what: "the system's DNS servers do not answer",
    files: {
      [INI]: '[dns]\ntimeout = 300ms\ndeadline = 1s\n[overrides]\n* a.example\n',
      'resolv.conf': 'nameserver 127.0.0.2:1\n',
      'preload.js': PRELOAD,
    },
    env: { NODE_OPTIONS: '--require FOLDER/preload.js' },
    status: 'warning',
    says: /^the name resolution of the system does not answer a question about example\.com: /,
    advice: /^See \/etc\/resolv\.conf, or name servers with dns_servers/,
  },
  {
    what: 'no server runs',
    status: 'warning',
    says: /^no running Haraka uses .*dns_overrides_state$/,
    advice:
      /^Start Haraka\. If it runs, it was started with another folder, or without this plugin: see its log/,
  },
  {
    what: 'a state folder that this user may not enter',
    prepare: (_, folder) => mkdirSync(join(folder, STATE_FOLDER), { mode: 0 }),
    isOther: true,
    status: 'warning',
    says: /^the state of the running server is not known: this user may not enter .*dns_overrides_state/,
    advice: /^Run doctor as root/,
  },
  {
    what: 'a reload that was refused',
    prepare: (_, folder) => {
      const reading = { at: Date.now(), good: false, reason: 'has 1 error and is not used' }
      report(folder, { inForce: OLDER, reading })
    },
    status: 'error',
    says: /^the running server has not taken this file: at .* UTC it has 1 error and is not used$/,
    advice: /check shows the mistakes\. Until then the last good one stays in force/,
  },
  {
    what: 'an edit of a moment ago',
    prepare: (_, folder) => report(folder, { inForce: OLDER }),
    status: 'warning',
    says: /^the file was changed a moment ago, and is not in force yet$/,
    advice: /^Run doctor again in 20 seconds/,
  },
  {
    what: 'an edit that is not in force',
    prepare: (_, folder) => {
      utimesSync(join(folder, INI), 1_700_000_000, 1_700_000_000)
      report(folder, { inForce: OLDER })
    },
    status: 'error',
    says: /^an older file is in force in worker \d+$/,
    advice: /^Save the file again and look at the log; .* restart Haraka/,
  },
  {
    what: 'Redis is gone',
    prepare: (_, folder) => report(folder, {}, false),
    status: 'warning',
    says: /^Redis does not answer: each server goes on by itself$/,
    advice: /^Start Redis, or correct \[redis\] and redis\.ini.* look for "Redis is gone"/,
  },
  {
    what: 'a relay that is held',
    files: { [INI]: `${RELAY}[overrides]\n* @isp\n` },
    prepare: (t, folder) => {
      report(folder)
      startWorker(t, join(folder, STATE_FOLDER)).close()
      writeHold(join(folder, STATE_FOLDER), { name: 'isp', since: Date.now() })
    },
    status: 'warning',
    says: /^held by hand: isp$/,
    advice: /relays --resume NAME/,
  },
  {
    what: 'servers that are left out',
    files: { [INI]: `${RELAY}[overrides]\n* @isp\n* 192.0.2.2\n` },
    prepare: (t, folder) => {
      report(folder)
      const worker = startWorker(t, join(folder, STATE_FOLDER))
      const { rules } = configure('* @isp\n* 192.0.2.2\n[relay:isp]\nhost = 192.0.2.1\nport = 587\n')
      for (const { exchange } of rules.lines) fail(worker, exchange!)
      worker.close()
    },
    status: 'warning',
    says: /^left out after failures: isp \(192\.0\.2\.1:587\) and 192\.0\.2\.2:25$/,
    advice: /^Run npx dns-overrides probe: .* tried again by themselves/,
  },
]

/** As whom `doctor` runs. */
export const userOf = ({ isOther }: BrokenSetup): { readonly uid?: number } =>
  isOther === true && process.getuid?.() === 0 ? { uid: OTHER_USER } : {}
