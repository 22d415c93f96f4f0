/** The names of ports where mail is taken (RFC 6335, services(5), and `smtps`, which everybody writes). */
const PORTS: Readonly<Record<string, number>> = {
  smtp: 25,
  mail: 25,
  lmtp: 24,
  smtps: 465,
  ssmtp: 465,
  urd: 465,
  submissions: 465,
  submission: 587,
  msa: 587,
}

/** The port that a service's name stands for; undefined if it is not one of mail. */
export function servicePort(name: string): number | undefined {
  const key = name.toLowerCase()
  return Object.hasOwn(PORTS, key) ? PORTS[key] : undefined
}
