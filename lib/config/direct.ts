import { LAST_PORT, SMTPS_PORT } from '../model/endpoint'
import { DEFAULT_DIRECT, type DirectTerms } from '../model/terms'
import type { Report } from '../source/report'
import { readKeys } from './keyed'
import type { Section } from './section'
import { readTerms, TERMS_KEYS } from './terms'
import type { DirectSettings } from './types'
import { wholeNumber } from './values'

/** The keys of `[direct]` and `[direct:NAME]`. */
export const DIRECT_KEYS = { ...TERMS_KEYS, port: wholeNumber(1, LAST_PORT) }

/** `[direct]`, and each `[direct:NAME]` with what it leaves out taken from `[direct]`, wherever that stands. */
export function readDirect(
  sections: readonly Section[],
  report: Report,
): { readonly direct: DirectTerms; readonly directTerms: readonly DirectSettings[] } {
  const general = sections.find(({ name }) => name === undefined)
  const direct = general === undefined ? DEFAULT_DIRECT : readSection(general, DEFAULT_DIRECT, report)
  const directTerms = sections.flatMap((section): readonly DirectSettings[] => {
    const { name, header } = section
    if (name === undefined || header === undefined) return []
    return [{ ...readSection(section, direct, report), name, span: header.span }]
  })
  return { direct, directTerms }
}

function readSection(section: Section, base: DirectTerms, report: Report): DirectTerms {
  const values = readKeys(section, DIRECT_KEYS, report)
  const setting = section.settings.get('port')
  if (values.port === SMTPS_PORT && setting !== undefined) {
    const message = `mail servers of a domain do not speak TLS from the first byte, as port ${SMTPS_PORT} does`
    report.error(setting.source, setting.valueSpan, 'implicit-tls', message, {
      expected: 'another port; tls = required for STARTTLS with a good certificate',
    })
  }
  return { port: values.port ?? base.port, terms: readTerms(section, values, base.terms, report) }
}
