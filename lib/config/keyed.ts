import type { Section, SettingLine } from './parse'
import { spanOf, type Help, type Report } from '../source/report'
import { nearest } from '../source/suggest'
import type { Fault, Reader } from './values'

/** What a table of readers gives: the values of the keys that are there and good. */
export type Values<T extends Readonly<Record<string, Reader<unknown>>>> = {
  readonly [K in keyof T]?: T[K] extends Reader<infer V> ? V : never
}

/** Reports a value that is not what it should be; it is quoted only as far as the line shows it. */
export function badValue(
  setting: SettingLine,
  report: Report,
  help: Help,
  at?: { start: number; end: number },
): void {
  const { source, valueSpan, key } = setting
  const base = valueSpan.column - 1
  const span = at === undefined ? valueSpan : spanOf(source.line, base + at.start, base + at.end)
  const shown = setting.value === '' ? 'no value' : `bad value "${report.quote(source, span)}"`
  report.error(source, span, 'bad-value', `${shown} for ${key}`, help)
}

/** Reads the settings of a section, each by the reader of its key. Every bad value is an error. */
export function readKeys<T extends Readonly<Record<string, Reader<unknown>>>>(
  section: Section | undefined,
  readers: T,
  report: Report,
): Values<T> {
  const values: Record<string, unknown> = {}
  for (const setting of section?.settings.values() ?? []) {
    const reader = readers[setting.key]
    const value = reader === undefined ? undefined : readSetting(setting, reader, report)
    if (value !== undefined) values[setting.key] = value
  }
  return values as Values<T>
}

/** The value of one setting; undefined, and reported, where it is bad. */
export function readSetting<T>(setting: SettingLine, reader: Reader<T>, report: Report): T | undefined {
  const reading = reader(setting.value)
  if (reading.ok) return reading.value
  for (const fault of [reading, ...(reading.more ?? [])]) reportFault(setting, fault, report)
  return undefined
}

function reportFault(setting: SettingLine, { expected, suggestion, at }: Fault, report: Report): void {
  const words = /^[a-z0-9-]+(?:, [a-z0-9-]+)*(?: or [a-z0-9-]+)$/.test(expected)
  const near = words ? nearest(setting.value, expected.split(/, | or /)) : undefined
  badValue(setting, report, { expected, suggestion: suggestion ?? near }, at)
}
