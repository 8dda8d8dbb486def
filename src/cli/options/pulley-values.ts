/** Arguments of the command line, parsed. Each throws commander's `InvalidArgumentError`. */
import { InvalidArgumentError } from 'commander'

export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

export const wholeNumberOrZero = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number')
}

export const wholeNumber = (text: string): number => {
  const value = wholeNumberOrZero(text)
  if (value > 0) return value
  throw new InvalidArgumentError('expected 1 or more')
}

export const oneOf =
  (...words: readonly string[]) =>
  (text: string): string => {
    if (words.includes(text)) return text
    throw new InvalidArgumentError(`expected ${words.join(', ')}`)
  }
