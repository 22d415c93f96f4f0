import cluster from 'node:cluster'
import { closeSync, openSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { ChannelLimits } from '../../lib/relays/limit-channel'
import { isPlace, LimitedPlaces, type Place } from '../../lib/relays/limited-places'
import type { Limits } from '../../lib/relays/limit-types'

/*
 * A worker process of a server with limits, and nothing else: what tests fork. It sends messages to a port, or takes places only to
 * make sure that it is alone (`lock`).
 */

export interface LimitJob {
  readonly limits: Limits
  readonly messages: number
  /** Messages at once. */
  readonly threads: number
  /** Where they go. */
  readonly port?: number
  /** In place of sending: a file that only one may make at a time. */
  readonly lock?: string
}

/** Sends one message, and ends when the connection is closed. @returns whether it was taken */
function sendTo(port: number): Promise<boolean> {
  return new Promise((done) => {
    let taken = false
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => socket.write('message\n'))
    socket.on('data', () => {
      taken = true
      socket.end()
    })
    socket.on('error', () => {})
    socket.on('close', () => done(taken))
  })
}

async function work({ limits, messages, threads, port, lock }: LimitJob): Promise<void> {
  const monotonic = () => performance.now()
  const places = new LimitedPlaces({ service: new ChannelLimits(process), monotonic })
  let left = messages
  const takePlace = async (): Promise<Place> => {
    for (;;) {
      const answer = await places.take(limits)
      if (isPlace(answer)) return answer
      if (answer.why === 'quota') return new Promise(() => {})
      await new Promise<void>((wake) => places.whenFree(limits, wake, false))
    }
  }
  const thread = async () => {
    while (left-- > 0) {
      const place = await takePlace()
      if (lock !== undefined) {
        // Fails where somebody else has a place.
        closeSync(openSync(lock, 'wx'))
        await new Promise((done) => setImmediate(done))
        unlinkSync(lock)
        place.giveBack(true)
      } else place.giveBack(await sendTo(port!))
    }
  }
  await Promise.all(Array.from({ length: threads }, thread))
  process.disconnect()
}

if (cluster.isWorker) void work(JSON.parse(process.env.LIMIT_JOB!) as LimitJob)
