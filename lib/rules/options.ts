/** The names of the options that a line may have, without `$`. */
export const OPTIONS = ['end', 'adddns', 'priority', 'again'] as const
export type Option = (typeof OPTIONS)[number]
