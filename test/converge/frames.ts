import t from 'tap'
import { Frames } from '../../src/converge/frames.ts'

const nonce = 'n'.repeat(32)
const mark = 'c0ffee'.repeat(6).slice(0, 32)
const end = (code: number | string) => `${mark} ${code}\n`
const header = `${nonce} ${mark}\n`

const read = (stream: string | Buffer, size: number) => {
  const bytes = Buffer.from(stream)
  const frames = new Frames(nonce)
  const data: string[] = []
  for (let at = 0; at < bytes.length; at += size)
    for (const piece of frames.push(bytes.subarray(at, at + size)))
      data[piece.index] = (data[piece.index] ?? '') + Buffer.from(piece.data).toString('latin1')
  return {
    data: Array.from(data),
    codes: frames.codes,
    finished: frames.finished,
    rest: Buffer.from(frames.rest()).toString(),
  }
}

// The nearest thing to an end that somebody could write who does not know the mark.
const forged = `${mark.slice(1)}x 0\n${nonce} ${mark.slice(1)}x\n${mark.slice(0, -1)}`
const stream = `welcome!\n${header}one\n${end(0)}${end(3)}${forged}${end(1)}${end('end')}`

t.test('outputs come apart, however the stream is cut into chunks', async t => {
  for (let size = 1; size <= stream.length; size++)
    t.strictSame(
      read(stream, size),
      { data: ['one\n', undefined, forged], codes: [0, 3, 1], finished: true, rest: '' },
      `${size} bytes at a time`,
    )
})

t.test('every byte comes through, and at once but for what may be the beginning of an end', async t => {
  const all = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255))
  t.strictSame(read(Buffer.concat([Buffer.from(header), all, Buffer.from(end(0))]), 7).data, [all.toString('latin1')])
  const frames = new Frames(nonce)
  const pieces = (text: string) => frames.push(Buffer.from(text)).map(({ data }) => Buffer.from(data).toString())
  t.strictSame(pieces(`${header}50 %`), ['50 %'])
  t.strictSame(pieces('\r100 %\n'), ['\r100 %\n'])
  t.strictSame(pieces(`x${mark.slice(0, 9)}`), ['x'])
  t.strictSame(pieces('!'), [`${mark.slice(0, 9)}!`])
})

t.test('a stream which ends early is not finished, and what is left over is told', async t => {
  t.match(read(`${header}one${end(0)}sh: no`, 5), { data: ['one', 'sh: no'], codes: [0], finished: false })
  t.match(read('sh: not found', 5), {
    data: { length: 0 },
    codes: { length: 0 },
    finished: false,
    rest: 'sh: not found',
  })
})

t.test('noise before the header is not kept without end', async t => {
  const frames = new Frames(nonce)
  for (let i = 0; i < 40; i++) frames.push(Buffer.alloc(10_000, 'x'))
  t.ok(frames.rest().length < 100_000)
  t.strictSame(frames.push(Buffer.from(`${header}one${end(0)}`)).length, 1)
})
