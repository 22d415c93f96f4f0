import { isIP } from 'node:net'
import { isHostName } from './names'
import type { MxRecord } from '../model/dns-answer'

/** The part of an MX set that mail can use. `unusable`: there are records, but none of them names a host. */
export type MxSet =
  | { readonly kind: 'records'; readonly records: readonly MxRecord[] }
  | { readonly kind: 'nullmx' }
  | { readonly kind: 'unusable' }

/**
 * Sorts an MX set by priority, equals in the order of the answer, and leaves out what mail cannot use: records whose exchange is
 * an IP address or not a host name, and a null MX (exchange `''`, RFC 7505) beside others. Alone, a null MX is the answer.
 *
 * @param records at least one, as a server sent them
 * @param onDrop called for each record that is left out
 */
export function readMxSet(
  records: readonly MxRecord[],
  onDrop: (record: MxRecord, why: string) => void,
): MxSet {
  // The usual case, without copies.
  if (records.every(({ exchange }, index) => isHostName(exchange) && isNext(records, index))) {
    return { kind: 'records', records }
  }
  const real = records.filter(({ exchange }) => exchange !== '')
  if (real.length === 0) return { kind: 'nullmx' }
  const nullMx = records.find(({ exchange }) => exchange === '')
  if (nullMx !== undefined) onDrop(nullMx, 'a null MX beside others')
  const usable = real.filter((record) => {
    if (isHostName(record.exchange)) return true
    onDrop(record, isIP(record.exchange) === 0 ? 'not a host name' : 'an IP address')
    return false
  })
  return usable.length === 0
    ? { kind: 'unusable' }
    : { kind: 'records', records: usable.sort((a, b) => a.priority - b.priority) }
}

function isNext(records: readonly MxRecord[], index: number): boolean {
  return index === 0 || records[index - 1]!.priority <= records[index]!.priority
}
