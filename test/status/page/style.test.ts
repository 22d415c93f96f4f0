import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STYLE } from '../../../lib/status/page/style'

// WCAG 2.2: text needs a contrast of 4.5 to 1 with its background (1.4.3), graphics 3 to 1 (1.4.11).

/** The colours of `:root`, of the first rule (light) or the second (dark). */
function coloursOf(scheme: 'light' | 'dark'): ReadonlyMap<string, string> {
  const [light = '', dark = ''] = [...STYLE.matchAll(/:root \{([^}]*)\}/g)].map(([, body]) => body!)
  const body = scheme === 'light' ? light : `${light}${dark}`
  return new Map([...body.matchAll(/--([\w-]+): (#[\da-f]+)/g)].map(([, name, colour]) => [name!, colour!]))
}

/** Relative luminance as WCAG 2.2 defines it. */
function luminance(colour: string): number {
  const digits =
    colour.length === 4 ? Array.from(colour.slice(1), (each) => each + each) : colour.slice(1).match(/../g)!
  const [red = 0, green = 0, blue = 0] = digits.map((each) => {
    const part = parseInt(each, 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

const TEXTS = ['text', 'faint', 'link', 'good', 'warn', 'bad', 'held', 'wait']
/** The page, a section, rows and sections in trouble. */
const BACKS = ['back', 'card', 'warn-back', 'bad-back', 'held-back', 'wait-back']
const SIGNS = ['overrides', 'attempts', 'dns']

for (const scheme of ['light', 'dark'] as const) {
  test(`${scheme}: every text has enough contrast on each background where it appears`, () => {
    const colours = coloursOf(scheme)
    const poor = TEXTS.flatMap((text) =>
      BACKS.map((back) => ({ text, back, ratio: contrast(colours.get(text)!, colours.get(back)!) })),
    ).filter(({ ratio }) => !(ratio >= 4.5))
    assert.deepEqual(poor, [])
  })

  test(`${scheme}: bars of the chart and borders of fields are visible`, () => {
    const colours = coloursOf(scheme)
    const poor = [...SIGNS.map((sign) => [sign, 'card']), ['faint', 'card'], ['faint', 'back']].filter(
      ([sign, back]) => !(contrast(colours.get(sign!)!, colours.get(back!)!) >= 3),
    )
    assert.deepEqual(poor, [])
  })
}
