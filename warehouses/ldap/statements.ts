/** Statements of dhcpd's in a directory: what they say of a host or network. They are read, and never passed on as they are. Pure. */

import type { DhcpStatement } from '../../src/inventory/warehouse.ts'
import { parseText } from '../../src/render/data/dhcp-options.ts'

/** A statement with the DN of the entry which says it. */
export interface Statement {
  readonly text: string
  readonly id: string
}

export interface Said {
  readonly file: string | undefined
  readonly nextServer: string | undefined
  readonly leaseTime: number | undefined
  readonly ranges: readonly string[]
  readonly duids: readonly string[]
  /** Who may have an address of a range, and who may not. */
  readonly permits: readonly Statement[]
  /** Everything else: options, and what will be told to make no sense. */
  readonly options: readonly DhcpStatement[]
}

/** What the statements say together; of two which say the same thing the first one counts. */
export const readStatements = (statements: readonly Statement[]): Said => {
  const ranges: string[] = []
  const duids: string[] = []
  const permits: Statement[] = []
  const options: DhcpStatement[] = []
  let [file, nextServer]: (string | undefined)[] = []
  let leaseTime: number | undefined
  for (const statement of statements) {
    const { word, value } = split(statement.text)
    switch (word) {
      case 'fixed-address':
      case 'fixed-address6':
        break // an address of the host, which is read where its addresses are
      case 'max-lease-time':
      case 'min-lease-time':
        break // how far a client may bargain: nothing of the network itself
      case 'filename': {
        const text = textOf(value)
        if (text === undefined) options.push({ ...statement, problem: 'the name of a file goes in double quotes' })
        file ??= text
        break
      }
      case 'next-server':
        nextServer ??= value
        break
      case 'default-lease-time':
        if (/^\d+$/.test(value)) leaseTime ??= Number(value)
        else options.push({ ...statement, problem: 'expected seconds' })
        break
      case 'range':
      case 'range6':
        ranges.push(value)
        break
      case 'allow':
      case 'deny':
      case 'ignore':
        if (/^(?:(?:all|(?:un)?known|(?:un)?authenticated|dynamic bootp)[ -]clients|members? .*)$/is.test(value))
          permits.push(statement)
        // The rest of what may be allowed is what dhcpd does anyway.
        else if (word !== 'allow') options.push(statement)
        break
      case 'host-identifier':
        duids.push(value.replace(/^option\s+dhcp6\.client-id\s+/i, ''))
        break
      default:
        options.push(statement)
    }
  }
  return { file, nextServer, leaseTime, ranges, duids, permits, options }
}

/** The addresses in a statement which fixes a host's. */
export const fixedAddresses = (statement: string): readonly string[] => {
  if (!statement.includes('fixed-address')) return []
  const { word, value } = split(statement)
  return word === 'fixed-address' || word === 'fixed-address6' ? value.split(',').map(one => one.trim()) : []
}

/** The first word of a statement, in lower case. */
export const wordOf = (statement: string): string => split(statement).word

const split = (statement: string): { readonly word: string; readonly value: string } => {
  const [, word = '', value = ''] = /^\s*([\w.-]+)\s*(.*?)\s*;?\s*$/s.exec(statement) ?? []
  return { word: word.toLowerCase(), value }
}

const textOf = (value: string): string | undefined => {
  try {
    return parseText(value)
  } catch {
    return undefined // told as a statement which makes no sense
  }
}
