import t from 'tap'
import { type Piece, pieces } from '../../../src/report/text/json-text.ts'

const through = (bytes: Uint8Array, size: number): Piece[] => {
  const stream = pieces()
  const found: (Piece | undefined)[] = []
  for (let at = 0; at < bytes.length; at += size) found.push(stream.push(bytes.subarray(at, at + size)))
  return [...found, stream.end()].filter(piece => piece !== undefined)
}

t.test('characters survive any cut', async t => {
  const text = 'aä漢🙂\n\ufeffb\0'
  for (let size = 1; size <= Buffer.byteLength(text); size++) {
    const found = through(Buffer.from(text), size)
    t.equal(found.map(piece => ('text' in piece ? piece.text : '?')).join(''), text, `cut every ${size} bytes`)
  }
})

t.test('bytes which are not UTF-8 come as base64, whatever the cut, and none is lost', async t => {
  const bytes = Buffer.from('61ff62c328e28263f09f98ed a0 80 c0 af 0a e2'.replaceAll(' ', ''), 'hex')
  for (let size = 1; size <= bytes.length; size++) {
    const found = through(bytes, size)
    t.ok(found.some(piece => 'base64' in piece))
    const back = found.map(piece => ('text' in piece ? Buffer.from(piece.text) : Buffer.from(piece.base64, 'base64')))
    t.equal(Buffer.concat(back).toString('hex'), bytes.toString('hex'), `cut every ${size} bytes`)
  }
})
