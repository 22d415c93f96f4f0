import { finish } from '../../lib/model/steps'
import type { LineHits } from '../../lib/status/counts'
import { visitHits } from '../../lib/status/facts-file'

/** What a server reports of the hits of its lines, by `hashLine`. @param folder the state folder */
export function readHits(folder: string): ReadonlyMap<string, LineHits> {
  const hits = new Map<string, LineHits>()
  finish(visitHits(folder, (key, count, last) => void hits.set(key, { count, last })))
  return hits
}
