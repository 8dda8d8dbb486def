/** Names which are safe to show, to look up and to connect to. A plain string cannot reach a warehouse or SSH. */
import { StokerError } from './errors.ts'

/** A node's name: made by `parseNodeName` only. */
export type NodeName = string & { readonly [nodeName]: true }
/** A group's name, without `@`: made by `parseGroupName` only. */
export type GroupName = string & { readonly [groupName]: true }
declare const nodeName: unique symbol
declare const groupName: unique symbol

// Letters, digits and what host names, IPv6 addresses with a zone, and rack coordinates use. Nothing which a shell, an
// LDAP filter or the expression language reads as its own; no leading dash, which a program could take as an option.
const NODE_NAME = /^[\p{L}\p{N}_.:][\p{L}\p{N}_.:%+~=#-]*$/u
const MAX_LENGTH = 253 // RFC 1035 section 3.1: 255 octets on the wire

/** Whether the text is fit to be a node's name. */
export const isNodeName = (text: string): text is NodeName => text.length <= MAX_LENGTH && NODE_NAME.test(text)

/** The text as a node name; throws `EXPRESSION` when it could be mistaken for something else than a name. */
export const parseNodeName = (text: string): NodeName => {
  if (isNodeName(text)) return text
  throw new StokerError('EXPRESSION', shown(text), `${shown(text)} is not a node name: ${why(text)}`)
}

// Group names come from people and directories: spaces and most punctuation are fine, control characters are not.
const GROUP_NAME = /^[^\p{Cc}\p{Cf}@\s,!&^()[\]{}"'`$\\;|<>*?-][^\p{Cc}\p{Cf}@,!&^[\]"'`$\\;|<>]*$/u

/** The text as a group name; throws `EXPRESSION` when it could not be written in a target expression. */
export const parseGroupName = (text: string): GroupName => {
  if (text.length <= MAX_LENGTH && GROUP_NAME.test(text)) return text as GroupName
  throw new StokerError('EXPRESSION', shown(text), `${shown(text)} is not a group name: ${why(text)}`)
}

/** Text from anywhere, quoted and shortened so that a terminal takes no harm from it. */
export const shown = (text: string): string => {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text
  return JSON.stringify(short).replaceAll(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, c => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

const why = (text: string): string => {
  if (text === '') return 'it is empty'
  if (text.length > MAX_LENGTH) return `it has ${text.length} characters, ${MAX_LENGTH} are allowed`
  if (text.startsWith('-')) return 'it starts with a dash'
  return 'it has a character which names do not have'
}

/** Whether a login may be as this user: no blanks, and nothing which looks like an option. */
export const isLoginUser = (text: string): boolean => /^[^\s\p{C}:@-][^\s\p{C}:@]*$/u.test(text)

/** Whether a target may be asked to act as this user: likewise, and nothing which sudo reads as a number, a group or a list. */
export const isBecomeUser = (text: string): boolean => isLoginUser(text) && !/^[#%+]/.test(text)
