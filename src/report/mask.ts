/** What a message says apart from which target it speaks of, so that equal messages of different targets are one. Pure. */
import type { Target } from '../target.ts'

/** The message with the target's own names as `<node>` and its own addresses as `<address>`; only whole words count. */
export const maskOwnNames = (message: string, target: Target): string => {
  const masks = new Map<string, string>()
  for (const address of target.addresses) masks.set(address, '<address>')
  for (const name of [target.name, ...target.names]) masks.set(name, '<node>')
  const own = [...masks.keys()].filter(word => word !== '' && message.includes(word))
  if (own.length === 0) return message
  // The longest first: web1.example.org before web1.
  const words = own.sort((a, b) => b.length - a.length).map(word => word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  const whole = new RegExp(
    `(?<![\\p{L}\\p{N}_-]|[\\p{L}\\p{N}][.])(?:${words.join('|')})(?![\\p{L}\\p{N}_-]|[.][\\p{L}\\p{N}])`,
    'gu',
  )
  return message.replaceAll(whole, word => masks.get(word) ?? word)
}
