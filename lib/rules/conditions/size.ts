import { numericCondition, parseWhole } from './numeric'

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** `$size`: bytes of headers and body as sent. `K`, `M` and `G` are multiples of 1024. */
export const size = numericCondition({
  name: 'size',
  value: (envelope) => envelope.size,
  expected: 'a number of bytes, or with K, M or G of 1024, 1024 x 1024 and so on',
  example: '10M',
  parse(text) {
    const [, digits = '', suffix = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? []
    const number = parseWhole(digits)
    const value = (number ?? Number.NaN) * (FACTORS[suffix.toLowerCase()] ?? Number.NaN)
    return Number.isSafeInteger(value) ? value : undefined
  },
})
