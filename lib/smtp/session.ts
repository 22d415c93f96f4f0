import type { Stage } from '../model/failure'
import { toPrintable } from '../model/printable'
import { isClosing, isGood, isTemporary, type Reply } from '../model/reply'
import { asksForAuthentication, explainNoMechanism } from './auth'
import { Authentication } from './authentication'
import { Extensions } from './extensions'
import { mayTryHelo } from './helo-fallback'
import { movesOn } from './next-mx'
import { Recipients } from './recipients'
import { STAGES, verbOf, type SessionStep } from './session-step'
import { Redaction } from './redaction'
import { ReplyReader, shorten, type ReplyLine } from './reply-reader'
import type { Encryption, SessionFailure, SessionOptions, SessionReport, LineVerdict } from './session-types'
import { ShownReply } from './shown-reply'
import { demandTls, explainMissingTls, explainOffer, explainUnsafeLogin, mayGoClear } from './tls-demands'
import { explainLostTls } from './tls-failure'

/**
 * The policy of one SMTP connection, for delivery and for `probe`, to a relay and to an MX host. Pure: the lines that are sent and
 * received go in, and verdicts come out.
 *
 * Until its first reply to RCPT the replies of a server are about itself: a failure there is never the recipient's fault. After that its
 * replies stand, unless `next_mx` says otherwise.
 */
export class Session {
  readonly #options: SessionOptions
  readonly #reader = new ReplyReader()
  readonly #shown = new ShownReply()
  readonly #extensions: Extensions
  readonly #redaction: Redaction
  #step: SessionStep = 'greeting'
  /** The last step before QUIT. */
  #stage: Stage = 'greeting'
  readonly #authentication: Authentication
  #startingTls: boolean
  #didItsPart = false
  #replies = 0
  /** How many replies there were when TLS began. */
  #repliesBeforeTls: number | undefined
  readonly #recipients = new Recipients()
  #reply: Reply | undefined
  #failure: SessionFailure | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    this.#extensions = new Extensions(options)
    this.#redaction = new Redaction(options.credentials)
    this.#authentication = new Authentication(options.credentials, this.#redaction)
    this.#startingTls = options.implicitTls
  }

  /** Does the server work? It has greeted, encrypted and authenticated as it should, and has replied about the message. */
  get didItsPart(): boolean {
    return this.#didItsPart
  }

  /** Whole replies so far. */
  get replies(): number {
    return this.#replies
  }

  /** What the server last offered. */
  get extensions(): Extensions {
    return this.#extensions
  }

  get report(): SessionReport {
    return {
      stage: this.#stage,
      reply: this.#reply,
      failure: this.#failure,
      lmtp: this.#options.lmtp,
      refused: this.#recipients.refused,
    }
  }

  /** May a line that is logged now hold a secret? (AUTH itself always may: it is logged before it is sent.) */
  get mayHoldSecret(): boolean {
    return this.#authentication.challenging || !this.#redaction.isEmpty
  }

  /** Any text of this connection without the password. */
  redact(text: string): string {
    return this.#redaction.apply(text)
  }

  /** The text that may be logged of a line that is about to be sent. */
  redactCommand(line: string): string {
    if (this.#authentication.challenging) return '****'
    const { credentials } = this.#options
    const mechanism = credentials !== undefined && 'token' in credentials ? credentials.mechanism : '$1'
    return this.redact(line.replace(/^AUTH (\S+) .+/is, `AUTH ${mechanism.toUpperCase()} ****`))
  }

  /** The line that is sent in place of one that {@link send} has allowed. */
  translate(line: string): string {
    return this.#step === 'auth' && /^AUTH /i.test(line) ? this.#authentication.translate(line) : line
  }

  /** TLS has begun. */
  noteTlsStarted(): void {
    this.#startingTls = false
    this.#repliesBeforeTls = this.#replies
    this.#reader.reset()
  }

  /** The certificate is not valid, and it must be. */
  refuseCertificate(message: string): SessionFailure {
    // A bad certificate is not a reason to go on in clear, without any certificate.
    return this.#fail('tls', message)
  }

  /** The connection failed. */
  lose(message: string): SessionFailure {
    const kind = this.#replies === 0 ? 'no-answer' : 'connection'
    const why = explainLostTls(message, {
      isHandshake: this.#startingTls || this.#step === 'starttls',
      isAfterHandshake: this.#replies === this.#repliesBeforeTls,
      ...this.#options,
    })
    if (why === undefined) return this.#fail(this.#stage, this.redact(message), { kind })
    return this.#fail('tls', this.redact(why), { kind, mayGoClear: mayGoClear(this.#options) })
  }

  /** Replies in place of those that a lost connection does not give any more, where LMTP has delivered to some recipients. */
  replaceMissing(message: string): readonly string[] {
    return Array.from({ length: this.#recipients.missing }, () => `451 4.4.2 ${this.redact(message)}\r\n`)
  }

  /**
   * Judges a line before it is sent.
   *
   * @returns why it must not be sent
   */
  send(line: string, encryption: Encryption): SessionFailure | undefined {
    this.#reader.reset()
    const text = line.trim()
    if (this.#authentication.challenging) {
      this.#authentication.answer(text)
      return undefined
    }
    switch (verbOf(text)) {
      case 'EHLO':
      case 'LHLO':
        this.#extensions.reset()
        return this.#begin('ehlo')
      case 'HELO':
        return this.#begin('helo')
      case 'STARTTLS':
        return this.#begin('starttls')
      case 'AUTH':
        return this.#beforeAuth(text, encryption)
      case 'MAIL':
        return this.#beforeMail(encryption)
      case 'RCPT':
        this.#recipients.ask(this.redact(/<(.*)>/.exec(text)?.[1] ?? ''))
        return this.#begin('rcpt')
      case 'DATA':
        return this.#begin('data')
      case '.':
        return this.#begin('dot')
      default:
        this.#step = 'quit'
        return undefined
    }
  }

  /**
   * Judges a received line before Haraka sees it.
   *
   * @param alone nothing followed the line in the same packet
   */
  receive(received: string, alone: boolean, encryption: Encryption): LineVerdict {
    if (this.#startingTls) return this.#refuse('tls', 'it sent data in clear after STARTTLS')
    const line = this.#redaction.applyToReply(received)
    const reading = this.#reader.read(line)
    if (reading.kind === 'fault') {
      if (this.#step === 'quit') return { kind: 'pass', line: `${shorten(line.trim())}\r\n` }
      return this.#refuse(this.#stage, reading.message)
    }
    if (reading.kind === 'more') return this.#rewrite(reading.line, encryption)
    this.#replies++
    const { reply } = reading
    if (this.#step !== 'quit') this.#reply = reply
    return this.#judge(reply, alone, reading.line.text) ?? this.#rewrite(reading.line, encryption)
  }

  #begin(step: Exclude<SessionStep, 'quit'>): undefined {
    this.#step = step
    this.#stage = STAGES[step]
  }

  #beforeAuth(command: string, encryption: Encryption): SessionFailure | undefined {
    const failure = this.#demandTls(encryption)
    if (failure !== undefined) return failure
    const unsafe = explainUnsafeLogin(this.#options, this.#extensions, encryption)
    if (unsafe !== undefined) return this.#fail('tls', unsafe, { polite: true })
    this.#begin('auth')
    this.#authentication.begin(command)
    return undefined
  }

  #beforeMail(encryption: Encryption): SessionFailure | undefined {
    const failure = this.#demandTls(encryption)
    if (failure !== undefined) return failure
    if (this.#options.credentials !== undefined && !this.#authentication.done) {
      const why = explainNoMechanism(this.#extensions.mechanisms, this.#options.authType)
      const message = explainOffer(why, this.#options, this.#extensions, encryption)
      return this.#fail('auth', message, { polite: true })
    }
    return this.#begin('mail')
  }

  #demandTls(encryption: Encryption): SessionFailure | undefined {
    const missing = explainMissingTls(this.#options, this.#extensions, encryption)
    return missing === undefined ? undefined : this.#fail('tls', missing, { polite: true })
  }

  /** @returns undefined if the reply stands */
  #judge(reply: Reply, alone: boolean, text: string): LineVerdict | undefined {
    switch (this.#step) {
      case 'greeting':
        return isGood(reply) ? undefined : this.#object('greeting', 'it greeted with', reply)
      case 'ehlo':
        if (isGood(reply) || mayTryHelo(reply, this.#options)) return undefined
        return this.#object('ehlo', `it refused ${this.#options.lmtp ? 'LHLO' : 'EHLO'}:`, reply)
      case 'helo':
        return isGood(reply) ? undefined : this.#object('ehlo', 'it refused HELO:', reply)
      case 'starttls':
        return this.#judgeStartTls(reply, alone)
      case 'auth':
        return this.#judgeAuth(reply, text)
      case 'mail':
      case 'rcpt':
        return this.#judgeEnvelope(reply, this.#step)
      case 'data':
      case 'message':
        return this.#judgeData(reply)
      case 'dot':
        if (!this.#options.lmtp) return this.#moveOnAfter4xx('dot', 'it deferred the message:', reply)
        this.#recipients.answerEnd(reply)
        return undefined
      case 'quit':
        return undefined
      default:
        return this.#step satisfies never
    }
  }

  #judgeStartTls(reply: Reply, alone: boolean): LineVerdict | undefined {
    if (!isGood(reply)) {
      return this.#object('tls', 'it refused STARTTLS:', reply, { mayGoClear: mayGoClear(this.#options) })
    }
    // Data that came in clear must not count as data that came under TLS (RFC 3207 section 6).
    if (!alone) return this.#refuse('tls', 'it sent data in clear after STARTTLS')
    this.#startingTls = true
    return undefined
  }

  #judgeAuth(reply: Reply, challenge: string): LineVerdict | undefined {
    const step = this.#authentication.judge(reply, challenge)
    switch (step.kind) {
      case 'asks':
      case 'took':
        return undefined
      case 'say':
        return { kind: 'answer', line: step.line }
      case 'refused': {
        const what = step.reason === undefined ? 'it refused AUTH:' : `it refused the token (${step.reason}):`
        return this.#object('auth', this.redact(what), reply, step.refusesToken ? { refusesToken: true } : {})
      }
      case 'asks-too-often':
        return this.#object('auth', 'it asked too often:', reply, { polite: false })
      default:
        return step satisfies never
    }
  }

  #judgeEnvelope(reply: Reply, step: 'mail' | 'rcpt'): LineVerdict | undefined {
    if (this.#options.isRelay && asksForAuthentication(reply)) {
      return this.#object('auth', 'it asks for authentication:', reply)
    }
    if (step === 'mail' && isClosing(reply)) return this.#object('mail', 'it is closing:', reply)
    if (step === 'rcpt' || !isGood(reply)) this.#didItsPart = true
    if (step === 'mail') return this.#moveOnAfter4xx('mail', 'it deferred the sender:', reply)
    this.#recipients.answer(reply)
    const isLast = this.#recipients.count === this.#options.recipients
    return isLast && this.#recipients.areAllDeferred
      ? this.#moveOnAfter4xx('rcpt', 'it deferred every recipient:', reply)
      : undefined
  }

  /** RFC 5321 section 4.1.1.4. Haraka 3.3.4 sends the message after 250 too, as commands, and again after each further reply. */
  #judgeData(reply: Reply): LineVerdict | undefined {
    if (reply.code >= 400) return this.#moveOnAfter4xx('data', 'it deferred DATA:', reply)
    if (this.#step === 'message') {
      return this.#refuse('data', `it replied before the end of the message: ${reply.text}`)
    }
    if (isGood(reply)) return this.#refuse('data', `it answered DATA with ${reply.text}`, { polite: true })
    return this.#begin('message')
  }

  #moveOnAfter4xx(stage: Stage, what: string, reply: Reply): LineVerdict | undefined {
    return isTemporary(reply) && movesOn(this.#options.nextMx, 'temporary')
      ? this.#object(stage, what, reply, { kind: 'temporary' })
      : undefined
  }

  /** A line of a reply that stands, in the form that Haraka should see. */
  #rewrite(parts: ReplyLine, encryption: Encryption): LineVerdict {
    const { text, last } = parts
    // Haraka 3.3.4 (outbound/hmail.js) neither delivers nor bounces to a recipient that is accepted with 251 or 252.
    const code = this.#step === 'rcpt' && parts.code.startsWith('2') ? '250' : parts.code
    const build = (rest: string): LineVerdict => ({
      kind: 'pass',
      line: `${code}${last ? ' ' : '-'}${toPrintable(rest)}\r\n`,
    })
    if (this.#step === 'ehlo' && code.startsWith('2')) {
      const shown = this.#extensions.add(text, encryption)
      const demand = demandTls(this.#options)
      if (last && demand !== undefined && !encryption.encrypted && !this.#extensions.offersStartTls) {
        return this.#refuse('tls', `${demand}, and STARTTLS is not offered`, { polite: true })
      }
      if (shown !== undefined) return build(shown)
      return last ? build('OK') : { kind: 'drop' }
    }
    if (this.#step === 'auth' && last && code === '334') {
      return build(this.#authentication.rewritePrompt() ?? text)
    }
    const shown = this.#shown.show(parts)
    return shown === undefined ? { kind: 'drop' } : build(shown)
  }

  /** The server itself refused. */
  #object(stage: Stage, what: string, reply: Reply, more: Partial<SessionFailure> = {}): LineVerdict {
    return this.#refuse(stage, `${what} ${reply.text}`, { reply, polite: true, ...more })
  }

  #refuse(stage: Stage, message: string, more: Partial<SessionFailure> = {}): LineVerdict {
    return { kind: 'fail', failure: this.#fail(stage, message, more) }
  }

  #fail(stage: Stage, message: string, more: Partial<SessionFailure> = {}): SessionFailure {
    this.#failure = { kind: 'connection', mayGoClear: false, polite: false, ...more, stage, message }
    return this.#failure
  }
}
