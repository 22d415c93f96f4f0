import type { Section, SettingLine } from './section'
import { spanOf, type Help, type Report } from '../source/report'
import type { Span } from '../source/diagnostic'
import { nearest } from '../source/suggest'
import type { Fault, Reader } from './values'

/** What a table of readers gives: the values of the keys that are there and good. */
export type Values<T extends Readonly<Record<string, Reader<unknown>>>> = {
  readonly [K in keyof T]?: T[K] extends Reader<infer V> ? V : never
}

/** The place of a part of a value. */
function partOf({ source, valueSpan }: SettingLine, { start, end }: { start: number; end: number }): Span {
  return spanOf(source.line, valueSpan.column - 1 + start, valueSpan.column - 1 + end)
}

/** Reports a value that is not what it should be; it is quoted only as far as the line shows it. */
function badValue(
  setting: SettingLine,
  report: Report,
  help: Help,
  at?: { start: number; end: number },
): void {
  const { source, key } = setting
  const span = at === undefined ? setting.valueSpan : partOf(setting, at)
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
  if (reading.ok) {
    const { doubt } = reading
    if (doubt !== undefined) {
      const span = partOf(setting, doubt.at)
      report.warning(setting.source, span, 'doubtful-value', doubt.message, { expected: doubt.expected })
    }
    return reading.value
  }
  const { suggestion = suggestValue(setting.value, reader, reading.expected) } = reading
  for (const fault of [{ ...reading, suggestion }, ...(reading.more ?? [])])
    reportFault(setting, fault, report)
  return undefined
}

/** The value without what other formats allow (quotes, a comment after "#"), or the nearest of a few words. */
function suggestValue<T>(value: string, reader: Reader<T>, expected: string): string | undefined {
  const bare = value.replace(/^(["'])(.*)\1$/, '$2')
  const uncommented = value.replace(/\s#.*$/, '')
  const fitting = [bare, uncommented].find((text) => text !== value && reader(text).ok)
  if (fitting !== undefined) return fitting
  const words = /^[a-z0-9-]+(?:, [a-z0-9-]+)*(?: or [a-z0-9-]+)$/.test(expected)
  return words ? nearest(value, expected.split(/, | or /)) : undefined
}

function reportFault(setting: SettingLine, fault: Fault, report: Report): void {
  const { problem, expected, suggestion, at } = fault
  if (problem === undefined) return badValue(setting, report, { expected, suggestion }, at)
  const span = at === undefined ? setting.valueSpan : partOf(setting, at)
  report.error(setting.source, span, 'bad-value', problem, { expected, suggestion })
}
