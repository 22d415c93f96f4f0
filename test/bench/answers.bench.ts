/**
 * How often two hosts with two workers each ask DNS for 5,000 messages to 200 domains, with and without Redis:
 *
 *     npm run bench -- answers
 *
 * Needs redis-server. Real Haraka, DNS and SMTP on loopback; each domain has two MX hosts of its own.
 */
import { startDomainMail } from '../support/domain-mail'
import { RedisServer } from '../support/redis-server'
import { print, type Row } from './support'

const MESSAGES = 5_000
const DOMAINS = 200
const ANSWERS = 5 * DOMAINS

interface Measured {
  readonly questions: number
  readonly seconds: number
  readonly redis: Record<string, number>
}

async function measure(isShared: boolean): Promise<Measured> {
  const ends: (() => unknown)[] = []
  const t = { after: (end?: unknown) => void ends.push(end as () => unknown) }
  try {
    const redis = isShared ? await RedisServer.start(t) : undefined
    const mail = await startDomainMail(t, { domains: DOMAINS, ...(redis === undefined ? {} : { redis }) })
    const started = performance.now()
    await mail.send(MESSAGES)
    const seconds = (performance.now() - started) / 1_000
    return { questions: mail.questions(), seconds, redis: redis === undefined ? {} : await figuresOf(redis) }
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

async function figuresOf(redis: RedisServer): Promise<Record<string, number>> {
  const info = String(await redis.command('INFO'))
  const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1])
  return {
    answers: Number(await redis.command('ZCARD', 'dns_overrides:v1:answers')),
    memory: number('used_memory'),
    commands: number('total_commands_processed'),
  }
}

async function main(): Promise<void> {
  const alone = await measure(false)
  const shared = await measure(true)
  const rowsOf = (name: string, { questions, seconds }: Measured): Row[] => [
    { what: `${name}: questions to DNS`, value: String(questions) },
    { what: `${name}: time`, value: `${seconds.toFixed(1)} s` },
  ]
  const ratio = shared.questions / alone.questions
  print(`${MESSAGES} messages to ${DOMAINS} domains (${ANSWERS} answers), two hosts of two workers`, [
    ...rowsOf('alone', alone),
    ...rowsOf('with Redis', shared),
    ...Object.entries(shared.redis).map(([what, value]) => ({
      what: `Redis: ${what}`,
      value: String(value),
    })),
    {
      what: 'questions with Redis, of those alone',
      value: ratio.toFixed(2),
      goal: 'below 0.5',
      met: ratio < 0.5,
    },
  ])
}

void main()
