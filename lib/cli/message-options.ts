import { FAILED_STEPS } from '../model/message'
import { ATTRIBUTE_NAMES, MESSAGE_ATTRIBUTES, type AttributeName } from '../model/message-attributes'
import type { OptionSpec } from './command-spec'

/** The option of each attribute of a message. */
const ATTRIBUTE_OPTIONS: Readonly<Record<AttributeName, Omit<OptionSpec, 'name'>>> = {
  retries: { value: { name: 'N', kind: 'text' }, summary: 'delivery attempts already made (default 0)' },
  size: {
    value: { name: 'N', kind: 'text' },
    summary: 'size in bytes as sent, for example 5000, 20K or 10M (default 0)',
  },
  authSender: {
    value: { name: 'USER', kind: 'text' },
    summary: 'user name with which the sender authenticated',
  },
  ageMs: {
    value: { name: 'TIME', kind: 'text' },
    summary: 'time since the message was queued, for example 30m, 4h or 2d (default 0)',
  },
  reply: {
    value: { name: 'TEXT', kind: 'text' },
    summary: "the last reply that refused it, for example '550 5.7.1 blocked' (default: none)",
  },
  failed: {
    value: { name: 'STEP', kind: 'word', words: FAILED_STEPS.filter((step) => step !== '') },
    summary:
      'the step at which the last attempt failed: dns, connect, greeting, tls, auth, mail, rcpt or data',
  },
}

/** The options that describe a message. */
export const MESSAGE_OPTIONS: readonly OptionSpec[] = [
  {
    name: 'from',
    value: { name: 'ADDRESS', kind: 'text' },
    summary: "envelope sender; '' or '<>' is the null sender (default)",
  },
  ...ATTRIBUTE_NAMES.map((name) => ({ name: MESSAGE_ATTRIBUTES[name].option, ...ATTRIBUTE_OPTIONS[name] })),
  {
    name: 'mx',
    value: { name: 'PRIO:HOST,...', kind: 'text' },
    summary: 'use these MX records and ask no DNS server; also none, nxdomain or fail',
  },
]
