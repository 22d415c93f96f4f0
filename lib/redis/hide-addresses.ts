/** A word that may be somebody's address: it has an at sign, plain or percent-encoded. */
const ADDRESS = /\S*(?:@|%40)\S*/gi

/** A text without addresses, to be shared with other servers: a reply or the text of an operator may name a person. */
export const hideAddresses = (text: string): string => text.replace(ADDRESS, '...')
