/** `^file` in a target expression: a list of names on disk. */
import { readFile } from 'node:fs/promises'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Expression } from '../nodeset/syntax/expression.ts'
import { parseList } from '../nodeset/syntax/list.ts'

/** One expression a line, blank lines and `#` comments left out, joined by `,`. Throws `EXPRESSION` with file and line. */
export const readList = async (path: string, { signal }: Abortable): Promise<Expression> => {
  const text = await readFile(path, { encoding: 'utf8', signal }).catch((cause: Error) => {
    if (signal.aborted) throw signal.reason
    throw new StokerError('EXPRESSION', path, `cannot read the list ^${path}: ${cause.message}`, { cause })
  })
  const list = parseList(text, path)
  if (list.kind === 'names' && list.names.length === 0)
    throw new StokerError('EXPRESSION', path, `the list ^${path} has no names`)
  return list
}
