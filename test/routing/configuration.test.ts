import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LongTextBuilder } from '../../lib/model/long-text'
import { loadConfiguration, loadConfigurationInSteps } from '../../lib/routing/configuration'
import { NO_SECRETS } from '../support/rules'

const options = { file: 'f.ini', secrets: NO_SECRETS }
const many = Array.from({ length: 20_000 }, (_, index) => `c${index}.example r${index}.example.net`).join(
  '\n',
)

describe('loading a configuration', () => {
  for (const [name, text] of [
    ['a good file', `${many}\n[dns]\ntries = 2\n`],
    ['a file with mistakes', `a..b h\n${many}\n* h $nonsense\n[dns]\ntries = 0\n`],
  ] as const) {
    it(`in steps gives the same as loading at once: ${name}`, async () => {
      const once = loadConfiguration(text, options)
      const steps = await loadConfigurationInSteps(text, options)
      assert.deepEqual(steps.diagnostics, once.diagnostics)
      assert.deepEqual(steps.configuration?.settings, once.configuration?.settings)
      assert.deepEqual(steps.configuration?.rules.lines.length, once.configuration?.rules.lines.length)
    })
  }

  it('in parts gives the same as in one text, with the same places', () => {
    const good = `${many}\r\n[relay:isp]\r\nhost = h\r\n`
    for (const text of [good, `${good}* h $nonsense\r\n`, `${good}* h\0\r\n* i`, `\n\0${good}`]) {
      const builder = new LongTextBuilder()
      for (let at = 0; at < text.length; at += 4_099) builder.add(text.slice(at, at + 4_099))
      const parts = builder.build()
      assert.ok(parts.length > 100)
      const once = loadConfiguration(text, options)
      const inParts = loadConfiguration(parts, options)
      assert.deepEqual(inParts.diagnostics, once.diagnostics)
      assert.deepEqual(inParts.configuration?.rules.lines, once.configuration?.rules.lines)
    }
  })

  it('in steps lets other work run in between', async () => {
    let turns = 0
    let over = false
    const others = () => {
      turns++
      if (!over) setImmediate(others)
    }
    setImmediate(others)
    // Ten times the lines that any machine reads in one slice of time.
    await loadConfigurationInSteps(Array.from({ length: 10 }, () => many).join('\n'), options)
    over = true
    assert.ok(turns > 3, `${turns} turns`)
  })

  it('fails with an error, and succeeds with a warning', () => {
    assert.equal(loadConfiguration('* h $nonsense', options).configuration, undefined)
    const { configuration, diagnostics } = loadConfiguration('[attempts]\n* direct=0 relay=0', options)
    assert.ok(configuration)
    assert.equal(diagnostics.length, 1)
    assert.ok(Object.isFrozen(configuration))
  })
})
