import { createHmac } from 'node:crypto'
import type { AuthType, Relay } from '../model/relay'
import type { Reply } from '../model/reply'
import { chooseMechanism, explainNoMechanism } from './auth'
import type { Conversation } from './conversation'
import type { Extensions } from './extensions'
import type { Login } from './session-types'
import { ProbeStop } from './probe-finding'

/**
 * Logs in as Haraka would.
 *
 * @returns how
 * @throws ProbeStop if the password must not be sent, or is refused
 */
export async function authenticate(
  conversation: Conversation,
  relay: Relay,
  login: Login,
  { mechanisms }: Extensions,
): Promise<string> {
  const mechanism = chooseMechanism(mechanisms, relay.authType)
  if (mechanism === undefined) {
    throw new ProbeStop(
      'auth',
      explainNoMechanism(mechanisms, relay.authType),
      mechanisms.length === 0
        ? 'try port 587, or leave out user and password'
        : chooseMechanism(mechanisms, undefined) === undefined
          ? 'none of these is supported: ask the provider for PLAIN or LOGIN, or for another port'
          : 'set auth_type to one that is offered, or leave it out',
    )
  }
  await exchangeAuth(conversation, mechanism, login)
  return `accepted as ${login.user} (${mechanism})`
}

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')

/** Sends the lines of one mechanism: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195). With a token the session translates AUTH PLAIN. */
async function exchangeAuth(conversation: Conversation, mechanism: AuthType, login: Login): Promise<Reply> {
  const say = (line: string) => conversation.command(line)
  if ('token' in login) return (await say('AUTH PLAIN')).reply
  const { user, password } = login
  switch (mechanism) {
    case 'plain':
      return (await say(`AUTH PLAIN ${base64(`\0${user}\0${password.reveal()}`)}`)).reply
    case 'login': {
      const first = await say('AUTH LOGIN')
      if (first.reply.code !== 334) return first.reply
      const second = await say(base64(user))
      return second.reply.code === 334 ? (await say(base64(password.reveal()))).reply : second.reply
    }
    case 'cram-md5': {
      const challenge = await say('AUTH CRAM-MD5')
      if (challenge.reply.code !== 334) return challenge.reply
      const text = Buffer.from(challenge.lastLine, 'base64')
      const digest = createHmac('md5', password.reveal()).update(text).digest('hex')
      return (await say(base64(`${user} ${digest}`))).reply
    }
    case 'xoauth2':
    case 'oauthbearer':
      throw new ProbeStop('auth', `${mechanism} needs a token`)
    default:
      return mechanism satisfies never
  }
}
