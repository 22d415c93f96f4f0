import { isIP } from 'node:net'
import { isHostName } from './names'
import type { MxRecord } from '../model/dns-answer'

/**
 * The records of an MX set that mail can use, by priority, equals in the order of the answer. A null MX (RFC 7505) stays where it
 * is alone, and is ignored beside others. What names no host (or an address) is dropped: `dropped` is told each.
 */
export function usableMx(
  records: readonly MxRecord[],
  dropped: (record: MxRecord, why: string) => void,
): readonly MxRecord[] {
  // The usual case, without copies.
  if (records.every(({ exchange }, index) => isHostName(exchange) && isNext(records, index))) return records
  const real = records.filter((record) => record.exchange !== '')
  const nullMx = records.find((record) => record.exchange === '')
  if (nullMx !== undefined) {
    if (real.length === 0) return [nullMx]
    dropped(nullMx, 'a null MX beside others')
  }
  const usable = real.filter((record) => {
    if (isHostName(record.exchange)) return true
    dropped(record, isIP(record.exchange) === 0 ? 'no host name' : 'an IP address')
    return false
  })
  return usable.sort((a, b) => a.priority - b.priority)
}

function isNext(records: readonly MxRecord[], index: number): boolean {
  return index === 0 || records[index - 1]!.priority <= records[index]!.priority
}
