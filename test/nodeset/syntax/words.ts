import t from 'tap'
import { wordsOf } from '../../../src/nodeset/syntax/words.ts'

const read = async (...chunks: readonly (string | Uint8Array)[]) => {
  const stream = (async function* () {
    for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
  })()
  return (await Array.fromAsync(wordsOf(stream))).join('').split(/\s+/).filter(Boolean).join(' ')
}

t.test('words and comments come out whole, however the stream is cut', async t => {
  const text = 'web1 web2\n# a comment\n db[1-3]#glued\n\nkn\u00f6ten\tlast'
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size++) {
    const chunks: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
    t.equal(await read(...chunks), 'web1 web2 db[1-3] kn\u00f6ten last', `${size} bytes at a time`)
  }
  t.equal(await read(), '')
  t.equal(await read('a # open to the end'), 'a')
})

t.test('a word without an end is refused', async t => {
  const chunk = 'x'.repeat(12 * 1024 * 1024)
  await t.rejects(read(chunk, chunk, chunk), { code: 'EXPRESSION', message: /a word of more than/ })
})
