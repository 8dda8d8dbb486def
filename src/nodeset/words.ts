/** Standard input as nodeset(1) reads it: words between blanks, with comments from `#` to the end of the line. */
import { StokerError } from '../errors.ts'

// A word may be a long list of names; more than this is no list that anyone wrote.
const MAX_WORD = 64 * 1024 * 1024

/** The words of a stream of UTF-8, chunk by chunk. Throws `EXPRESSION` when one of them has no end. */
export async function* wordsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[], void, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const { complete, open } = cut(rest + decoder.decode(chunk, { stream: true }))
    rest = open
    if (rest.length > MAX_WORD)
      throw new StokerError(
        'EXPRESSION',
        'standard input',
        `standard input: a word of more than ${MAX_WORD} characters`,
      )
    yield wordsIn(complete)
  }
  yield wordsIn(cut(`${rest}${decoder.decode()}\n`).complete)
}

const wordsIn = (text: string): readonly string[] => text.split(/\s+/).filter(word => word !== '')

/** Parts a text into what is complete and what the next chunk may go on with; comments are gone. */
const cut = (text: string): { readonly complete: string; readonly open: string } => {
  const plain = text.replaceAll(/#.*\n/g, '\n')
  const comment = plain.indexOf('#')
  // Of an open comment only its beginning is kept: the rest of it is of no interest.
  if (comment >= 0) return { complete: plain.slice(0, comment), open: '#' }
  let end = plain.length
  while (end > 0 && !/\s/.test(plain[end - 1] as string)) end--
  return { complete: plain.slice(0, end), open: plain.slice(end) }
}
