/** IP addresses, networks and ranges: text in, one spelling out, in an order which can be compared. Pure. */
import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { shown } from '../../base/names.ts'
import type { Address } from './model.ts'

/** An address as a number: below 2^32 for IPv4, a bigint for IPv6. Of one family, `<` and `===` are what they should be. */
export type AddressNumber = number | bigint

/** A block of addresses, both ends included. */
export interface Span {
  readonly from: AddressNumber
  readonly to: AddressNumber
}

export interface NumberedAddress extends Address {
  readonly number: AddressNumber
}

export interface Block extends Span {
  /** The first address, canonical. */
  readonly address: string
  readonly prefix: number
  readonly family: 4 | 6
}

/**
 * One address in its canonical spelling: IPv4 in four decimal numbers without leading zeros (which some take for octal),
 * IPv6 as RFC 5952 wants it. Throws a `TypeError` which shows the text.
 */
export const parseAddress = (text: string): NumberedAddress => {
  if (isIPv4(text)) return { text, family: 4, number: numberOfV4(text) }
  if (isIPv6(text) && !text.includes('%')) {
    const address = ipaddr.IPv6.parse(text)
    return { text: address.toRFC5952String(), family: 6, number: numberOfBytes(address.toByteArray()) }
  }
  throw new TypeError(
    `${shown(text)} is no IP address${text.includes('%') && isIPv6(text) ? ' for others: it has a zone' : ''}`,
  )
}

/** An address which one machine can have. Throws a `TypeError` for the unspecified one, broadcast and multicast, too. */
export const parseHostAddress = (text: string): NumberedAddress => {
  const address = parseAddress(text)
  const { family, number } = address
  const isNobodys =
    family === 4
      ? number < 0x1000000 || (number >= 0xe0000000 && number < 0xf0000000) || number === 0xffffffff
      : number === 0n || number >= MULTICAST_V6
  if (isNobodys) throw new TypeError(`${shown(text)} is no address of one machine`)
  return address
}

/** RFC 4291 section 2.7: ff00::/8 */
const MULTICAST_V6 = 0xff00n << 112n

/**
 * A network: `10.1.0.0/16`, `10.1.0.0/255.255.0.0`, `2001:db8::/64`. The address has to be the first one, because nobody can
 * tell whether the address or the mask is mistyped. Throws a `TypeError`.
 */
export const parseBlock = (text: string): Block => {
  const [address = '', mask, ...more] = text.trim().split(/\s*\/\s*/)
  if (mask === undefined) throw new TypeError(`${shown(text)} has no mask; write it like 10.1.0.0/16`)
  if (more.length > 0)
    throw new TypeError(`${shown(text)} is no network; write it like 10.1.0.0/16 or 10.1.0.0/255.255.0.0`)
  const { text: canonical, family, number } = parseAddress(paddedV4(address))
  const bits = family === 4 ? 32 : 128
  const prefix = /^\d{1,3}$/.test(mask) ? Number(mask) : family === 4 && isIPv4(mask) ? prefixOf(mask) : undefined
  if (prefix === undefined || prefix > bits) throw new TypeError(`${shown(text)} has a mask which is none`)
  const span = spanOf(number, prefix, family)
  if (span.from !== number)
    throw new TypeError(`${shown(text)} is no network: its first address is ${addressText(span.from, family)}`)
  return { address: canonical, prefix, family, ...span }
}

/** Directories have networks without their last zeros: `10.1` (RFC 2307 section 5.4 allows it). */
const paddedV4 = (address: string): string => {
  if (!/^\d{1,3}(?:\.\d{1,3}){0,2}$/.test(address)) return address
  const numbers = address.split('.')
  return [...numbers, '0', '0', '0'].slice(0, 4).join('.')
}

/** The bits of a mask such as 255.255.0.0; `undefined` when its ones are not all in front. */
const prefixOf = (mask: string): number | undefined => {
  const inverse = 0xffffffff - numberOfV4(mask)
  const hosts = Math.log2(inverse + 1)
  return Number.isInteger(hosts) ? 32 - hosts : undefined
}

/** Two addresses with a blank, a dash or a comma between, or one. Throws a `TypeError`. */
export const parseRange = (text: string): Span & { readonly family: 4 | 6 } => {
  const ends = text.trim().split(/\s*[-,]\s*|\s+/)
  if (ends.length > 2) throw new TypeError(`${shown(text)} is no range of addresses; write it like 10.1.2.10 10.1.2.99`)
  const [first, last = first] = ends.map(parseAddress)
  if (!first || !last || first.family !== last.family || last.number < first.number)
    throw new TypeError(`${shown(text)} is no range of addresses: the first one comes first, both of one family`)
  return { from: first.number, to: last.number, family: first.family }
}

export const contains = ({ from, to }: Span, number: AddressNumber): boolean => from <= number && number <= to

/** The canonical spelling of a number. */
export const addressText = (number: AddressNumber, family: 4 | 6): string => {
  if (family === 4) {
    const value = Number(number)
    return [value / 2 ** 24, (value / 2 ** 16) % 256, (value / 256) % 256, value % 256].map(Math.trunc).join('.')
  }
  const bytes = Array.from({ length: 16 }, (_, i) => Number((BigInt(number) >> BigInt(8 * (15 - i))) & 0xffn))
  return new ipaddr.IPv6(bytes).toRFC5952String()
}

/** Below, equal or above, IPv4 before IPv6. */
export const compareNumbers = (a: AddressNumber, b: AddressNumber): number => {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

const spanOf = (number: AddressNumber, prefix: number, family: 4 | 6): Span => {
  if (family === 4) {
    const size = 2 ** (32 - prefix)
    const from = Number(number) - (Number(number) % size)
    return { from, to: from + size - 1 }
  }
  const size = 1n << BigInt(128 - prefix)
  const from = BigInt(number) - (BigInt(number) % size)
  return { from, to: from + size - 1n }
}

const numberOfV4 = (text: string): number => {
  let [number, octet] = [0, 0]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code !== DOT) octet = octet * 10 + code - ZERO
    else [number, octet] = [number * 256 + octet, 0]
  }
  return number * 256 + octet
}

const DOT = 46
const ZERO = 48

const numberOfBytes = (bytes: readonly number[]): bigint =>
  BigInt(`0x${bytes.map(byte => byte.toString(16).padStart(2, '0')).join('')}`)
