import { parseSize } from '../../model/size'
import { numericCondition } from './numeric'

/** `$size`: bytes of headers and body as sent. `K`, `M` and `G` are multiples of 1024. */
export const size = numericCondition({
  name: 'size',
  value: (message) => message.size,
  expected: 'a number of bytes, or with K, M or G of 1024, 1024 x 1024 and so on',
  example: '10M',
  parse: parseSize,
  meant: (text) => /^(\d+[kmg])i?b$/i.exec(text)?.[1],
})
