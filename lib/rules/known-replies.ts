/** What a refusal is about. */
export type ReplyMeaning =
  /** No such recipient, or not any more (RFC 3463 X.1.1, X.1.2, X.1.3, X.1.6, X.2.1; RFC 7505 X.1.10). */
  | 'unknown user'
  /** RFC 3463 X.2.2. */
  | 'mailbox full'
  /** The sending server, by its address or its reputation. */
  | 'blocked'
  /** Come again later: a server that it does not know yet. */
  | 'greylisted'
  /** Too much mail, or too many connections, at once. */
  | 'rate'
  /** The message or its sender: content, SPF, DKIM, DMARC, names in DNS (RFC 7372, RFC 5248 X.7). */
  | 'policy'
  /** RFC 3463 X.2.3, X.3.4. */
  | 'size'
  /** The sending server must log in, or may not relay (RFC 4954). */
  | 'login'
  /** Encryption is missing (RFC 3207). */
  | 'TLS'

/** One reply that servers give today. */
export interface KnownReply {
  readonly meaning: ReplyMeaning
  /** Whose servers say so; of programs that anybody runs, the program. */
  readonly from: string
  /** On one line as `$reply` has it: the codes, and of the text the words that tell it from others. */
  readonly text: string
}

type ReplyRow = readonly [from: string, text: string]

const UNKNOWN_USER: readonly ReplyRow[] = [
  ['Google', '550 5.1.1 The email account that you tried to reach does not exist'],
  ['Google', '550 5.2.1 The email account that you tried to reach is disabled'],
  ['Microsoft 365', '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup'],
  ['Microsoft 365', '550 5.4.1 Recipient address rejected: Access denied'],
  ['Outlook.com', '550 5.5.0 Requested action not taken: mailbox unavailable'],
  ['Yahoo', '552 1 Requested mail action aborted, mailbox not found'],
  ['Yahoo', "554 delivery error: dd This user doesn't have an account"],
  ['Apple', '550 5.1.1 unknown or illegal alias'],
  ['Apple', '550 5.1.6 recipient no longer on server'],
  ['GMX, web.de', '550 Requested action not taken: mailbox unavailable'],
  ['Comcast', '550 5.1.1 Not our Customer'],
  ['Postfix', '550 5.1.1 Recipient address rejected: User unknown in virtual mailbox table'],
  ['Postfix', '550 5.1.2 Recipient address rejected: Domain not found'],
  ['Postfix', '501 5.1.3 Bad recipient address syntax'],
  ['Exim', '550 Unrouteable address'],
  ['Sendmail', '550 5.1.1 User unknown'],
  ['Exchange', '550 5.1.1 RESOLVER.ADR.RecipNotFound'],
  [
    'Mail.ru',
    '550 Message was not accepted -- invalid mailbox. Local mailbox is unavailable: user not found',
  ],
  ['Yandex', '550 5.7.1 No such user!'],
  ['QQ', '550 Mailbox not found'],
  ['a domain with a null MX', '556 5.1.10 Recipient address has null MX'],
]

const MAILBOX_FULL: readonly ReplyRow[] = [
  ['Google', '452 4.2.2 The email account that you tried to reach is over quota'],
  ['Google', '552 5.2.2 The email account that you tried to reach is over quota'],
  ['Microsoft 365', '554 5.2.2 mailbox full; STOREDRV.Deliver; QuotaExceeded'],
  ['Yahoo', '552 5.2.2 Mailbox over quota'],
  ['Apple', '552 5.2.2 Over quota'],
  ['Dovecot', '452 4.2.2 Quota exceeded (mailbox for user is full)'],
]

const BLOCKED: readonly ReplyRow[] = [
  ['Outlook.com', "550 5.7.1 messages weren't sent, part of their network is on our block list (S3140)"],
  ['Outlook.com', "550 5.7.1 messages weren't sent, part of their network is on our block list (S3150)"],
  ['Microsoft 365', '550 5.7.606 Access denied, banned sending IP'],
  ['Microsoft 365', '550 5.7.511 Access denied, banned sender'],
  ['Microsoft 365', '550 5.7.708 Access denied, traffic not accepted from this IP'],
  ['Microsoft 365', '550 5.7.1 Service unavailable, Client host blocked using Spamhaus'],
  ['Google', '421 4.7.0 IP not in whitelist for RCPT domain, closing connection'],
  ['Google', '550 5.7.1 suspicious due to the very low reputation of the sending IP address'],
  ['Yahoo', '553 5.7.1 [BL21] Connections will not be accepted, because the ip is in Spamhaus list'],
  ['Yahoo', '553 5.7.2 [TSS09] All messages will be permanently deferred'],
  ['Apple', '554 5.7.1 [CS01] Message rejected due to local policy'],
  ['Apple', '550 5.7.0 Blocked - see icloud.com/blocked using Proofpoint'],
  ['GMX, web.de', '554 No SMTP service. Bad DNS PTR resource record'],
  ['GMX, web.de', '554 No SMTP service. IP address is black listed'],
  ['T-Online', '554 A problem occurred. Ask your postmaster for help or contact tosa (BL)'],
  ['Comcast', '554 resimta BL000000 blocked'],
  ['Orange', '550 5.2.0 Mail rejected. OFR_506'],
  ['Proofpoint', '554 5.7.1 Blocked - see ipcheck.proofpoint.com'],
  ['Mimecast', '550 csi.mimecast.org Poor Reputation Sender'],
  ['Barracuda', '554 Service unavailable; blocked using b.barracudacentral.org'],
  ['Postfix', '554 5.7.1 Service unavailable; Client host blocked using zen.spamhaus.org'],
  ['Exim', '550 is in a black list at bl.spamcop.net'],
  ['Mail.ru', '550 spam message rejected, your IP is listed, see help.mail.ru'],
  ['163', '554 DT:SPM IP blacklisted'],
  ['Rackspace', '554 5.7.1 ACL dns_rbl; Client host blocked using'],
]

const GREYLISTED: readonly ReplyRow[] = [
  ['Postgrey', '450 4.2.0 Recipient address rejected: Greylisted'],
  ['rspamd', '451 4.7.1 Try again later'],
  ['Exim', '451 Greylisting in action, please come back later'],
  ['Microsoft 365', '451 4.7.500 Server busy. Please try again later'],
  ['Mimecast', '451 Internal resources are temporarily unavailable'],
]

const RATE: readonly ReplyRow[] = [
  ['Google', '421 4.7.28 unusual rate of unsolicited mail, temporarily rate limited'],
  ['Google', '450 4.2.1 The user you are trying to contact is receiving mail too quickly'],
  ['Yahoo', '421 4.7.0 [TSS04] temporarily deferred due to unexpected volume or user complaints'],
  ['Microsoft 365', '451 4.7.650 The mail server has been temporarily rate limited due to IP reputation'],
  ['Microsoft 365', '432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded'],
  ['Comcast', '421 Try again later RL000001'],
  ['Orange', '421 Too many connections, slow down. OFR_104'],
  ['GMX, web.de', '421 Service not available, too many connections'],
  ['Postfix', '450 4.7.1 Error: too much mail from'],
]

const POLICY: readonly ReplyRow[] = [
  ['Google', '550 5.7.26 Unauthenticated email is not accepted due to domain DMARC policy'],
  ['Google', '550 5.7.25 does not have a PTR record'],
  ['Google', '550 5.7.1 likely unsolicited mail. To reduce the amount of spam this message has been blocked'],
  ['Google', '552 5.7.0 blocked because its content presents a potential security issue'],
  ['Microsoft 365', '550 5.7.509 Access denied, sending domain does not pass DMARC verification'],
  ['Microsoft 365', '550 5.7.23 rejected because of Sender Policy Framework violation'],
  ['Microsoft 365', '550 5.7.520 Access denied, your organization does not allow external forwarding'],
  ['Microsoft 365', '550 5.1.8 Access denied, bad outbound sender'],
  ['Yahoo', '554 5.7.9 Message not accepted for policy reasons'],
  ['Apple', '554 5.7.1 [HM08] Message rejected due to local policy'],
  ['GMX, web.de', '550 Reject due to SPF policy'],
  ['Postfix', '450 4.7.25 Client host rejected: cannot find your hostname'],
  ['Postfix', '550 5.1.8 Sender address rejected: Domain not found'],
  ['SpamAssassin', '554 5.7.1 Blocked by SpamAssassin'],
]

const SIZE: readonly ReplyRow[] = [
  ['Google', '552 5.3.4 Your message exceeded message size limits'],
  ['Microsoft 365', '552 5.3.4 Message size exceeds fixed maximum message size'],
  ['Microsoft 365', '550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient'],
  ['Postfix', '552 5.3.4 Message size exceeds fixed limit'],
]

const LOGIN: readonly ReplyRow[] = [
  ['Google', '530 5.7.0 Authentication Required'],
  ['Google', '535 5.7.8 Username and Password not accepted'],
  ['Microsoft 365', '530 5.7.57 Client was not authenticated to send anonymous mail'],
  ['Microsoft 365', '550 5.7.64 TenantAttribution; Relay Access Denied'],
  ['Postfix', '554 5.7.1 Relay access denied'],
  ['Exim', '550 relay not permitted'],
]

const TLS: readonly ReplyRow[] = [
  ['Google', '421 4.7.0 TLS required for RCPT domain, closing connection'],
  ['Postfix', '530 5.7.0 Must issue a STARTTLS command first'],
  ['Microsoft 365', '451 5.7.3 STARTTLS is required to send mail'],
]

const TABLE: readonly (readonly [ReplyMeaning, readonly ReplyRow[]])[] = [
  ['unknown user', UNKNOWN_USER],
  ['mailbox full', MAILBOX_FULL],
  ['blocked', BLOCKED],
  ['greylisted', GREYLISTED],
  ['rate', RATE],
  ['policy', POLICY],
  ['size', SIZE],
  ['login', LOGIN],
  ['TLS', TLS],
]

/** Replies of the big providers and of common programs: what `check` tries the conditions on `$reply` with. */
export const KNOWN_REPLIES: readonly KnownReply[] = Object.freeze(
  TABLE.flatMap(([meaning, rows]) => rows.map(([from, text]) => ({ meaning, from, text }))),
)
