/** Between the digits of a number, where three, six or more follow. */
const THOUSANDS = /\B(?=(?:\d{3})+$)/g

/** `1,234,567`. `toLocaleString` would take 30 ms for the numbers of 100 relays. */
export const formatNumber = (value: number): string => Math.round(value).toString().replaceAll(THOUSANDS, ',')

/** `12.3 %`; of nothing: a dash. */
export const formatShare = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`

/** `3 of 10`, or without a limit `3`. */
export const formatOf = (value: number, limit: number | undefined): string =>
  limit === undefined ? formatNumber(value) : `${formatNumber(value)} of ${formatNumber(limit)}`
