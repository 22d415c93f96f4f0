import { finish } from '../model/steps'
import type { Facts } from '../status/facts'
import { readFactsFile } from '../status/facts-file'
import { isUpToDate, reportInForce } from '../status/in-force'
import { LineIndex } from '../status/line-index'
import { whyNoAccess } from '../status/server-state'
import { hitScopeOf } from '../status/sharing'
import { rulesJson, rulesText, type RulesView } from './rules/rules-view'
import { ConfigurationReader } from './shared/configuration-reader'
import { EXIT } from './shared/exit-status'
import { formatJson } from './shared/json'
import { findConfiguration, shortName, stateFolder } from './shared/location'
import { paint } from '../status/paint'
import type { Arguments } from './shared/parsed-arguments'
import type { Terminal } from './shared/terminal'
import { watchText } from './shared/watch'

/** What a running server reports about its rules. */
type ServerReport =
  | { readonly kind: 'running'; readonly facts: Facts }
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly reason: string }

function readReported(folder: string, now: number): ServerReport {
  try {
    const facts = readFactsFile(folder, now)
    return facts === undefined ? { kind: 'none' } : { kind: 'running', facts }
  } catch (error) {
    return { kind: 'unknown', reason: whyNoAccess(folder, error) }
  }
}

const pickSharing = ({ redisUp, sharing }: Facts): Pick<Facts, 'redisUp' | 'sharing'> => ({
  ...(redisUp === undefined ? {} : { redisUp }),
  ...(sharing === undefined ? {} : { sharing }),
})

function noteOf(reported: ServerReport, folder: string): string {
  switch (reported.kind) {
    case 'running':
      return ''
    case 'none':
      return `no running Haraka uses ${folder}, so nothing is in force and no hits are known\n`
    case 'unknown':
      return `the rules in force in the running server are not known: ${reported.reason}\n`
    default:
      return reported satisfies never
  }
}

/**
 * `dns-overrides rules`: shows the rules in force, and each override line with its hits over all workers. Exit status 75 if no server runs,
 * if it cannot be asked, or if its rules in force are not those of the file; 78 if the file has errors.
 */
export async function runRules(args: Arguments, terminal: Terminal): Promise<number> {
  const location = findConfiguration(args.value('config'), terminal)
  const folder = stateFolder(location)
  const reader = new ConfigurationReader(location, terminal)
  let index: LineIndex | undefined
  const isJson = args.flag('json')
  const look = () => {
    const reported = readReported(folder, terminal.now())
    const { digest, configuration, problems } = reader.read()
    index = configuration && finish(LineIndex.of(configuration.rules, index))
    const facts = reported.kind === 'running' ? reported.facts : undefined
    const lines = index && finish(index.count(facts && folder, hitScopeOf(facts)))
    const view: RulesView = {
      file: shortName(location.file, terminal.cwd),
      lines: lines?.slice(0, lines.length),
      counting:
        facts === undefined
          ? undefined
          : { inForce: reportInForce(facts.workers, digest), started: facts.started, ...pickSharing(facts) },
    }
    const isGood = view.counting !== undefined && isUpToDate(view.counting.inForce)
    return {
      text: isJson
        ? formatJson({ server: reported.kind, ...rulesJson(view) })
        : rulesText(view, {
            ink: paint(terminal.color.out),
            width: terminal.rows === undefined ? undefined : terminal.columns,
          }),
      note: `${noteOf(reported, folder)}${problems}`,
      status: view.lines === undefined ? EXIT.config : isGood ? EXIT.ok : EXIT.tempFail,
    }
  }
  if (args.flag('watch')) {
    const lookAgain = () => {
      const { text, note } = look()
      return isJson ? text : `${text}${note}`
    }
    return watchText(lookAgain, terminal, { draws: !isJson })
  }
  const { text, note, status } = look()
  terminal.out(text)
  terminal.err(note)
  return status
}
