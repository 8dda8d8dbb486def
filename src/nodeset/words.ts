/** Standard input as nodeset(1) reads it: words between blanks, with comments from `#` to the end of the line. */
import { StokerError } from '../errors.ts'

// A word may be a long list of names; more than this is no list that anyone wrote.
const MAX_WORD = 64 * 1024 * 1024

/**
 * The stream of UTF-8 in pieces of whole words with blanks between them, as they come. Throws `EXPRESSION` when a word has
 * no end.
 */
export async function* wordsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
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
    yield complete
  }
  yield cut(`${rest}${decoder.decode()}\n`).complete
}

/** Parts a text into what is complete and what the next chunk may go on with; comments are gone. */
const cut = (text: string): { readonly complete: string; readonly open: string } => {
  const plain = text.includes('#') ? text.replaceAll(/#.*\n/g, '\n') : text
  const comment = plain.indexOf('#')
  // Of an open comment only its beginning is kept: the rest of it is of no interest.
  if (comment >= 0) return { complete: plain.slice(0, comment), open: '#' }
  const end = Math.max(plain.lastIndexOf('\n'), plain.lastIndexOf(' '), plain.lastIndexOf('\t')) + 1
  return { complete: plain.slice(0, end), open: plain.slice(end) }
}
