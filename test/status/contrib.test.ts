import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { METRICS } from '../../lib/status/metric-values'
import { needs } from '../support/programs'

// The alert rules and the Grafana dashboard of the package, against what the plugin exports.

const RULES = 'contrib/prometheus/dns-overrides.rules.yml'
const DASHBOARD = 'contrib/grafana/dns-overrides.json'

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly expr: string }[]
  }[]
}

/** The queries of the dashboard, with a value in place of each variable. */
function dashboardQueries(): string[] {
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard
  return panels
    .flatMap(({ targets }) => targets)
    .map(({ expr }) => expr.replaceAll(/\$(job|instance)/g, '.*').replaceAll('$__rate_interval', '5m'))
}

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' })
  assert.equal(status, 0, `${stdout}${stderr}`)
}

test('alerts and dashboard use only existing metrics', () => {
  const text = `${readFileSync(RULES, 'utf8')}\n${dashboardQueries().join('\n')}`
  const asked = [...text.matchAll(/haraka_dns_overrides_(\w+)/g)].map((match) => match[1]!)
  assert.ok(asked.length > 20)
  const known = new Set<string>(Object.keys(METRICS))
  assert.deepEqual(
    asked.filter((name) => !known.has(name) && !known.has(name.replace(/_(bucket|sum|count)$/, ''))),
    [],
  )
})

test('promtool accepts the alert rules, which fire when they should', { skip: needs('promtool') }, () => {
  promtool('check', 'rules', '--lint-fatal', RULES)
  promtool('test', 'rules', 'contrib/prometheus/dns-overrides.rules.test.yml')
})

test('promtool accepts every query of the dashboard', { skip: needs('promtool') }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'dns-overrides-dashboard-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const rules = dashboardQueries().map((expr, index) => ({ record: `query_${index}`, expr }))
  // JSON is YAML.
  writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
  promtool('check', 'rules', join(folder, 'rules.yml'))
})
