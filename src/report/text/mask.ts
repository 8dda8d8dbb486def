/** What a message says apart from which target it speaks of, so that equal messages of different targets are one. Pure. */
import { isIP } from 'node:net'
import type { Target } from '../../inventory/target.ts'

/** The message with the target's own names as `<node>` and its own addresses as `<address>`; only whole words count. */
export const maskOwnNames = (message: string, target: Target): string =>
  replaced(message, masksOf(target), '[.][\\p{L}\\p{N}]')

/**
 * The same for what a target prints, where its name stands in more guises: its first label alone, in another domain or with
 * an ending (`web1.log`), its MACs; whatever the case of the letters.
 */
export const maskOutput = (text: string, target: Target): string => {
  const masks = new Map([...masksOf(target)].map(([word, mask]) => [word.toLowerCase(), mask]))
  for (const mac of target.macs) masks.set(mac.toLowerCase(), '<mac>')
  for (const [name, mask] of [...masks]) {
    const label = name.replace(/\..*/, '')
    // A host called a.example.org would make a riddle of every text.
    if (mask === '<node>' && label.length >= SHORTEST_LABEL && isIP(name) === 0) masks.set(label, mask)
  }
  return replaced(text, masks, '[.]\\p{N}', true)
}

const SHORTEST_LABEL = 3

const masksOf = (target: Target): Map<string, string> => {
  const masks = new Map<string, string>()
  for (const address of target.addresses) masks.set(address, '<address>')
  for (const name of [target.name, ...target.names]) masks.set(name, '<node>')
  masks.delete('')
  return masks
}

/** Whole words only; `after` is what may not follow one either. */
const replaced = (text: string, masks: ReadonlyMap<string, string>, after: string, caseless = false): string => {
  const plain = caseless ? text.toLowerCase() : text
  const own = [...masks.keys()].filter(word => plain.includes(word))
  if (own.length === 0) return text
  // The longest first: web1.example.org before web1.
  const words = own.sort((a, b) => b.length - a.length).map(word => word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  const whole = new RegExp(
    `(?<![\\p{L}\\p{N}_-]|[\\p{L}\\p{N}][.])(?:${words.join('|')})(?![\\p{L}\\p{N}_-]|${after})`,
    `gu${caseless ? 'i' : ''}`,
  )
  return text.replaceAll(whole, word => masks.get(caseless ? word.toLowerCase() : word) ?? word)
}
