/** `^file` in a target expression: a list of names on disk. */
import { readFile } from 'node:fs/promises'
import type { Abortable } from './abortable.ts'
import { StokerError } from './errors.ts'
import type { Expression } from './nodeset/expression.ts'
import { parseExpression } from './nodeset/parse.ts'

/** One expression a line, blank lines and `#` comments left out, joined by `,`. Throws `EXPRESSION` with file and line. */
export const readList = async (path: string, { signal }: Abortable): Promise<Expression> => {
  const text = await readFile(path, { encoding: 'utf8', signal }).catch((cause: Error) => {
    if (signal.aborted) throw signal.reason
    throw new StokerError('EXPRESSION', path, `cannot read the list ^${path}: ${cause.message}`, { cause })
  })
  const parts = text.split('\n').flatMap((line, i) => {
    const content = line.replace(/(?:^|\s)#.*$/, '').trim()
    return content === '' ? [] : [parsed(content, path, i + 1)]
  })
  const [first, ...others] = parts
  if (!first) throw new StokerError('EXPRESSION', path, `the list ^${path} has no names`)
  return others.reduce((left, right) => ({ kind: 'operation', operator: ',', left, right }), first)
}

const parsed = (text: string, path: string, line: number): Expression => {
  try {
    return parseExpression(text)
  } catch (cause) {
    throw new StokerError('EXPRESSION', path, `${path}:${line}: ${(cause as Error).message}`, { cause })
  }
}
