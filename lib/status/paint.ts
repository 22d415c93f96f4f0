/** Marks for a terminal; each gives the text unchanged if colours are not welcome. */
export interface Paint {
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly warn: (text: string) => string
  readonly strong: (text: string) => string
  readonly faint: (text: string) => string
}

/** ECMA-48 Select Graphic Rendition, or nothing. */
export function paint(enabled: boolean): Paint {
  const mark = (on: number, off: number) => (text: string) =>
    enabled && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text
  return {
    good: mark(32, 39),
    bad: mark(31, 39),
    warn: mark(33, 39),
    strong: mark(1, 22),
    faint: mark(2, 22),
  }
}
