import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Counter, Registry } from 'prom-client'
import { finishInSteps } from '../model/steps'
import {
  findMetricValues,
  type MetricName,
  type MetricSource,
  METRICS,
  type MetricType,
  type Sample,
} from './metric-values'

const PREFIX = 'haraka_dns_overrides_'

/** One metric with all its values. */
interface Metric {
  readonly name: string
  readonly help: string
  readonly type: MetricType
  readonly samples: readonly Sample[]
}

/**
 * The metrics as prom-client prints them, in the text format of Prometheus, one after the other, so that others have their turn in
 * between.
 */
export async function formatMetrics(source: MetricSource): Promise<string> {
  const values = await finishInSteps(findMetricValues(source))
  const registry = new Registry()
  const texts: string[] = []
  for (const name of Object.keys(METRICS) as MetricName[]) {
    const [type, help] = METRICS[name]
    const samples = values[name] ?? []
    if (samples.length === 0) continue
    registry.registerMetric(toPromClient({ name: `${PREFIX}${name}`, help, type, samples }))
    texts.push(await registry.getSingleMetricAsString(`${PREFIX}${name}`))
    await nextTurn()
  }
  return `${texts.join('\n\n')}\n`
}

/** A metric whose values are known: prom-client's own aggregation of workers (`AggregatorRegistry.aggregate`) makes the same. */
function toPromClient({ name, help, type, samples }: Metric): Counter {
  const values = samples.map(({ labels, value, part }) => ({
    labels,
    value,
    ...(part === undefined ? {} : { metricName: `${name}${part}` }),
  }))
  return {
    get: () => Promise.resolve({ name, help, type, values, aggregator: 'sum' }),
    name,
  } as unknown as Counter
}
