/** `1,234,567`. */
export const formatNumber = (value: number): string => Math.round(value).toLocaleString('en')

/** `12.3 %`; of nothing: a dash. */
export const formatShare = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`

/** `3 of 10`, or without a limit `3`. */
export const formatOf = (value: number, limit: number | undefined): string =>
  limit === undefined ? formatNumber(value) : `${formatNumber(value)} of ${formatNumber(limit)}`
