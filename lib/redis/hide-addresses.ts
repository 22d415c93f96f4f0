/** A word that may be somebody's address: it has an at sign, as it is or as in a URL. */
const ADDRESS = /\S*(?:@|%40)\S*/gi

/** A text as it may be shared with other servers: a reply, or the words of an operator, may name a person. */
export const hideAddresses = (text: string): string => text.replace(ADDRESS, '...')
