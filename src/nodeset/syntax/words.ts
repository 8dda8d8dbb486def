/** Standard input as nodeset(1) reads it: words between blanks, with comments from `#` to the end of the line. */
import { StokerError } from '../../base/errors.ts'

// A word may be a long list of names; more than this is no list that anyone wrote.
const MAX_WORD = 32 * 1024 * 1024

/**
 * The stream of UTF-8 in pieces of whole words with blanks between them, as they come. Throws `EXPRESSION` when a word has
 * no end.
 */
export async function* wordsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder()
  /** The pieces of a word which may go on. */
  let open: string[] = []
  let size = 0
  let comment = false
  for await (const chunk of chunks) {
    const read = withoutComments(decoder.decode(chunk, { stream: true }), comment)
    comment = read.open
    const end = afterLastBlank(read.text)
    if (end > 0) {
      yield open.join('') + read.text.slice(0, end)
      open = []
      size = 0
    }
    open.push(read.text.slice(end))
    size += read.text.length - end
    if (size > MAX_WORD)
      throw new StokerError(
        'EXPRESSION',
        'standard input',
        `standard input: a word of more than ${MAX_WORD} characters`,
      )
  }
  yield open.join('') + decoder.decode()
}

/** The text without comments; `open` when the last one, or the one which was open before, goes on in the next chunk. */
const withoutComments = (text: string, before: boolean): { readonly text: string; readonly open: boolean } => {
  const all = before ? `#${text}` : text
  if (!all.includes('#')) return { text: all, open: false }
  const open = all.indexOf('#', all.lastIndexOf('\n') + 1) >= 0
  return { text: all.replaceAll(/#[^\n]*/g, ' '), open }
}

const afterLastBlank = (text: string): number =>
  Math.max(text.lastIndexOf('\n'), text.lastIndexOf(' '), text.lastIndexOf('\t')) + 1
