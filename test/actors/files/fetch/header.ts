import t from 'tap'
import { headed } from '../../../../actors/files/fetch/header.ts'

const SUM = 'a'.repeat(64)

t.test('the header is found however the stream is cut, and the rest passes as it is', t => {
  const stream = Buffer.from(`${SUM} 12 3\nab\ncd`)
  for (let cut = 0; cut <= stream.length; cut++) {
    const reading = headed()
    const pieces = [stream.subarray(0, cut), stream.subarray(cut)].map(piece => Buffer.from(reading.push(piece)))
    t.equal(Buffer.concat(pieces).toString(), 'ab\ncd')
    t.strictSame(reading.header, { sha256: SUM, size: 12, at: 3, isSparse: false })
  }
  t.end()
})

t.test('what is no header is none', t => {
  for (const text of ['', 'hello\n', `${SUM}\n`, `${SUM} 12 -3\nx`]) {
    const reading = headed()
    reading.push(Buffer.from(text))
    t.equal(reading.header, undefined, text)
  }
  t.end()
})
