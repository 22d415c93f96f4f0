import { statSync } from 'node:fs'
import type { LoadResult } from '../routing/configuration'
import { runExpectations } from '../rules/expectations'
import { readConfigurationSource, type ConfigurationSource } from '../files/configuration-source'
import { formatCount } from '../status/wording'
import { checkCertificates } from './doctor/certificates'
import { checkDnsServers } from './doctor/dns-servers'
import { error, ok, warning, type Finding } from './doctor/finding'
import { checkInstallation } from './doctor/installation'
import { checkRights } from './doctor/rights'
import { checkRunningServer } from './doctor/running-server'
import { EXIT } from './shared/exit-status'
import { formatJson } from './shared/json'
import { findConfiguration, stateFolder, type Location } from './shared/location'
import { paint } from '../status/paint'
import type { Arguments } from './shared/parsed-arguments'
import { loadText } from './shared/require-configuration'
import type { Terminal } from './shared/terminal'
import { wrapText } from './shared/wrap'

/** The content of the file, and the secret files that it names. */
interface Loaded {
  readonly source: ConfigurationSource
  readonly result?: LoadResult
  readonly secrets: readonly string[]
}

function load(location: Location): Loaded {
  const source = readConfigurationSource(location.file)
  if (source.kind !== 'text') return { source, secrets: [] }
  const secrets: string[] = []
  const result = loadText(source.text, location, { noteSecretFile: (path) => void secrets.push(path) })
  return { source, result, secrets }
}

/** Is the file there, and without errors? */
function checkFile({ file }: Location, { source, result }: Loaded): Finding {
  if (source.kind === 'absent') {
    return warning(
      `${file} ${source.why}${source.isMisnamed ? ';' : ':'} there are no rules, and all mail goes by DNS`,
      source.isMisnamed
        ? 'Haraka does not read a file of that name.'
        : 'Write the rules into it. README has a first file.',
    )
  }
  if (source.kind === 'unreadable') {
    return error(`${file} ${source.why}`, 'Haraka does not start with such a file: correct it.')
  }
  const { configuration, diagnostics, omitted } = result!
  if (configuration === undefined) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length + omitted.errors
    return error(
      `${file} has ${formatCount(errors, 'error')}`,
      'Run npx dns-overrides check: it shows each of them, and what was expected.',
    )
  }
  const { rules, settings } = configuration
  return ok(
    `${file} is good: ${formatCount(rules.lines.length, 'override line')}, ${formatCount(settings.relays.length, 'relay')}`,
  )
}

async function checkTests({ result }: Loaded): Promise<Finding[]> {
  const configuration = result?.configuration
  if (configuration === undefined) return []
  const results = await runExpectations(configuration)
  if (results.length === 0) return []
  const failing = results.filter(({ met }) => !met).length
  if (failing === 0) return [ok(`all ${results.length} lines of [tests] hold`)]
  const refuses =
    configuration.settings.tests.onReload === 'refuse' ? ' On a reload Haraka refuses the file.' : ''
  return [
    error(
      `${failing} of ${results.length} lines of [tests] do not hold`,
      `Run npx dns-overrides test: it shows what the rules decide.${refuses}`,
    ),
  ]
}

async function findAll(location: Location, now: number): Promise<readonly Finding[]> {
  const loaded = load(location)
  const { source, result, secrets } = loaded
  const changedAt = statSync(location.file, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return [
    ...checkInstallation(location),
    checkFile(location, loaded),
    ...(await checkTests(loaded)),
    ...checkRights(location, secrets),
    ...(result?.configuration === undefined ? [] : checkCertificates(result.configuration, now)),
    ...(result?.configuration === undefined ? [] : await checkDnsServers(result.configuration)),
    ...checkRunningServer(stateFolder(location), source, changedAt, now),
  ]
}

/** Of the column with the status. */
const WIDTH = 'warning'.length + 2
const WIDEST = 100

function formatFinding({ status, text, advice }: Finding, { color, columns }: Terminal): string {
  const ink = paint(color.out)
  const mark = { ok: ink.good, warning: ink.warn, error: ink.bad }[status]
  const indent = ' '.repeat(WIDTH)
  const width = Math.min(columns, WIDEST)
  const first = wrapText(text, indent, width).slice(WIDTH)
  const rest = advice === undefined ? '' : `${wrapText(advice, indent, width)}\n`
  return `${mark(status)}${indent.slice(status.length)}${first}\n${rest}`
}

/**
 * `dns-overrides doctor`: checks everything from the installation to the running server, and says what to do. Exit status 78 if there is
 * an error, 75 if there is a warning.
 */
export async function runDoctor(args: Arguments, terminal: Terminal): Promise<number> {
  const findings = await findAll(findConfiguration(args.value('config'), terminal), terminal.now())
  if (args.flag('json')) terminal.out(formatJson(findings))
  else for (const finding of findings) terminal.out(formatFinding(finding, terminal))
  const has = (status: Finding['status']) => findings.some((finding) => finding.status === status)
  return has('error') ? EXIT.config : has('warning') ? EXIT.tempFail : EXIT.ok
}
