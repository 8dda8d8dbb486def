import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'

/** Where a piece of text stands in what was typed, for error messages. */
export interface Place {
  readonly text: string
  /** Where the piece begins. */
  readonly at: number
}

/** An `EXPRESSION` error about the character at `offset` of the text: `"n[5-3]", column 3: ...`. */
export const refuse = (text: string, offset: number, problem: string): StokerError =>
  new StokerError('EXPRESSION', shown(text), `${excerpt(text, offset)}, column ${offset + 1}: ${problem}`)

/** The same about a character of a piece. */
export const refuseAt = ({ text, at }: Place, offset: number, problem: string): StokerError =>
  refuse(text, at + offset, problem)

/** Long texts are cut around the place, so that it is seen. */
const excerpt = (text: string, offset: number): string => {
  const from = text.length <= 60 ? 0 : Math.max(0, Math.min(offset - 20, text.length - 57))
  return shown(from === 0 ? text : `...${text.slice(from, from + 54)}`)
}
