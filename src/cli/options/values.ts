/** What stands behind an option, parsed. Each parser throws commander's `InvalidArgumentError` with what was expected. */
import { InvalidArgumentError } from 'commander'
import { parseAge, parseDuration } from '../../base/duration.ts'
import { type Amount, parseAmount, parseSerial } from '../../run/amount.ts'

/** Makes something of the text of a value. */
export type ValueParser<T> = (text: string) => T

/** A parser whose own errors say what was expected. */
export const parserFrom =
  <T>(parse: ValueParser<T>): ValueParser<T> =>
  text => {
    try {
      return parse(text)
    } catch (cause) {
      throw invalid((cause as Error).message)
    }
  }

export const invalid = (expected: string): InvalidArgumentError => new InvalidArgumentError(`${expected}.`)

/** What `--xyz a --xyz b` comes to: at most so many. */
export const collect =
  <T>(parse: ValueParser<T>, most = Number.POSITIVE_INFINITY) =>
  (text: string, before: readonly T[] = []): readonly T[] => {
    if (before.length >= most) throw invalid(`expected at most ${most} of them`)
    return [...before, parse(text)]
  }

export const words: ValueParser<readonly string[]> = text => {
  const list = text.split(',').map(word => word.trim())
  if (list.includes('')) throw invalid('expected words with commas between them')
  return list
}

/** A number from `least` to `most`, in digits. */
export const wholeNumber =
  (least: number, most = 999_999): ValueParser<number> =>
  text => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw invalid(`expected a whole number from ${least} to ${most}`)
  }

/** A time to wait, in milliseconds. */
export const duration: ValueParser<number> = parserFrom(parseDuration)

/** A time to wait in whole seconds, from `least` to `most`. */
export const seconds =
  (least: number, most: number): ValueParser<number> =>
  text => {
    const value = Math.round(duration(text) / 1000)
    if (value >= least && value <= most) return value
    throw invalid(`expected a time from ${least} to ${most} seconds`)
  }

/** How old something may become, in milliseconds. */
export const age: ValueParser<number> = parserFrom(parseAge)

/** One of the other parsers, for a time which is not 0. */
export const aboveZero =
  (parse: ValueParser<number>): ValueParser<number> =>
  text => {
    const value = parse(text)
    if (value > 0) return value
    throw invalid('expected a time above 0')
  }

/** `5` or `10%`. */
export const amount: ValueParser<Amount> = parserFrom(text => parseAmount(text, 0))

/** `1,10%,100%`. */
export const amounts: ValueParser<readonly Amount[]> = parserFrom(parseSerial)

/** Text of at most so many characters. */
export const textUpTo =
  (most: number): ValueParser<string> =>
  text => {
    if (text.length <= most) return text
    throw invalid(`expected at most ${most} characters, not ${text.length}`)
  }

/** Text of this form. */
export const textLike =
  (pattern: RegExp, expected: string): ValueParser<string> =>
  text => {
    if (pattern.test(text)) return text
    throw invalid(`expected ${expected}`)
  }

/** The origin of an HTTP server: `https://HOST:PORT`. */
export const serverUrl: ValueParser<string> = text => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isServer =
    url && (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.search === ''
  if (isServer) return url.origin
  throw invalid('expected https://HOST:PORT')
}
