import { lookup } from 'node:dns'
import { ResolveError } from '../model/errors'

/** The system's own lookup: hosts file and whatever else it is set up to ask. Rejects with a ResolveError. */
export type SystemLookup = (host: string) => Promise<readonly string[]>

/** Empty where the system does not know the name. */
export const systemLookup: SystemLookup = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => {
      if (error === null) {
        resolve([...new Set(addresses.map(({ address }) => address))])
      } else if (error.code === 'ENOTFOUND' || error.code === 'ENODATA') {
        resolve([])
      } else {
        reject(
          new ResolveError(`the system's lookup of ${host}: ${error.message}`, {
            code: error.code ?? 'EFAILED',
            temporary: true,
            cause: error,
          }),
        )
      }
    })
  })
