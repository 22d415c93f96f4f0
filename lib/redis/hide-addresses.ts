/** A word that may be somebody's address: it has an at sign, as it is or as in a URL. */
const ADDRESS = /\S*(?:@|%40)\S*/gi

/** A text as others may know it. A reply of a server, or the words of an operator, may name a person. */
export const hideAddresses = (text: string): string => text.replace(ADDRESS, '...')
