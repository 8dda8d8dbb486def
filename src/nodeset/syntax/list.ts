/** Lists of names in files and streams. */
import { StokerError } from '../../base/errors.ts'
import type { Expression } from './expression.ts'
import { parseExpression } from './parse.ts'
import { unionOf } from './union.ts'

/**
 * A text with one expression a line, as their union: what `^file` names. Blank lines are left out, and what follows a `#`
 * at the start of a line or after a blank. Throws `EXPRESSION` with `subject:line` in front.
 */
export const parseList = (text: string, subject: string): Expression => {
  const parts = text.split(/\r?\n/).flatMap((line, i): readonly Expression[] => {
    const content = line.replace(/(?:^|\s)#.*$/, '').trim()
    if (content === '') return []
    try {
      return [parseExpression(content)]
    } catch (thrown) {
      if (!(thrown instanceof StokerError)) throw thrown
      throw new StokerError(thrown.code, subject, `${subject}:${i + 1}: ${thrown.message}`, { cause: thrown })
    }
  })
  return unionOf(parts)
}
