/** What `stoker pdsh` runs for each host: its words, with places for the host's name, the user and the rank. Pure. */
import { userInfo } from 'node:os'
import { quote } from '../../../base/quote.ts'
import type { Target } from '../../../inventory/target.ts'
import type { Actor } from '../../../run/actor.ts'
import { lineActor } from '../line-actor.ts'
import type { PdshOptions } from './options.ts'

type How = Pick<PdshOptions, 'rcmd' | 'path' | 'user'>

/**
 * Over there the words are one line for the login shell, as ssh makes one of them; here each is a word of its own, as exec(2)
 * has it. `%h` is the host, `%u` the user, `%n` the rank, `%%` a per cent sign; other signs stay.
 */
export const wordsActor = (words: readonly string[], how: How): Actor<undefined> =>
  lineActor({
    where: how.rcmd === 'exec' ? 'here' : 'there',
    line: (target, rank) => {
      const filled = words.map(word => fill(word, target, rank, how))
      return how.rcmd === 'exec' ? filled.map(quote).join(' ') : withPath(filled.join(' '), how)
    },
  })

/** The same for a line which was typed at a prompt. */
export const typedActor = (line: string, how: How): Actor<undefined> =>
  lineActor({
    where: how.rcmd === 'exec' ? 'here' : 'there',
    line: (target, rank) => withPath(fill(line, target, rank, how), how),
  })

/** Whether the line is the same for all. */
export const isPlain = (words: readonly string[]): boolean => words.every(word => !/%[hun%]/.test(word))

const fill = (word: string, target: Target, rank: number, { user }: How): string =>
  word.replaceAll(/%([hun%])/g, (_, sign: string) => {
    if (sign === 'h') return target.name
    if (sign === 'u') return target.user ?? user ?? userInfo().username
    return sign === 'n' ? String(rank) : '%'
  })

/** As pdsh has it: said in the language of the own login shell, which the others' are taken to be as well. */
const withPath = (line: string, { path, rcmd }: How): string => {
  if (path === undefined || rcmd === 'exec') return line
  const isC = /(?:^|\/)t?csh$/.test(userInfo().shell ?? '')
  return `${isC ? `setenv PATH ${path}` : `PATH=${path}`}; ${line}`
}
