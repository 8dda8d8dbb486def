/** What stands behind an option, parsed. Each throws commander's `InvalidArgumentError` with what was expected. */
import { InvalidArgumentError } from 'commander'
import { parseDuration } from '../../base/duration.ts'

export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export const words = (text: string): readonly string[] => {
  const list = text.split(',').map(word => word.trim())
  if (list.includes('')) throw new InvalidArgumentError('expected words with commas between them.')
  return list
}

export const wholeNumber = (text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0.')
  return Number(text)
}

export const wholeNumberOrZero = (text: string): number => (text === '0' ? 0 : wholeNumber(text))

export const count = (text: string): number => {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number.')
}

/** A parser whose own errors say what was expected. */
export const explained =
  <T>(parse: (text: string) => T) =>
  (text: string): T => {
    try {
      return parse(text)
    } catch (cause) {
      throw new InvalidArgumentError(`${(cause as Error).message}.`)
    }
  }

/** In milliseconds. */
export const duration = explained(parseDuration)
