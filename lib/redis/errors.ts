import { DnsOverridesError } from '../model/errors'

/** Redis did not do what it was asked. The message holds no secret. */
export class RedisError extends DnsOverridesError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'EREDIS', temporary: true, ...(cause === undefined ? {} : { cause }) })
  }
}
