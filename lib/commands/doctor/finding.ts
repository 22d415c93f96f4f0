/** One thing that `doctor` has looked at. */
export interface Finding {
  /** `warning`: mail goes, but not all is as it should be, or it cannot be known. `error`: the plugin does not do what the file says. */
  readonly status: 'ok' | 'warning' | 'error'
  /** What was found, as a sentence without its full stop. */
  readonly text: string
  /** What to do about it. */
  readonly advice?: string
}

export const ok = (text: string): Finding => ({ status: 'ok', text })
export const warning = (text: string, advice: string): Finding => ({ status: 'warning', text, advice })
export const error = (text: string, advice: string): Finding => ({ status: 'error', text, advice })
