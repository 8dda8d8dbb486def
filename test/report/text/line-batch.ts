import t from 'tap'
import { type LineBatchOptions, lineBatch, MAX_LINE } from '../../../src/report/text/line-batch.ts'
import { seeded } from '../../fixtures/seeded.ts'

const through = (bytes: Uint8Array, sizes: () => number, options: LineBatchOptions): Buffer => {
  const batch = lineBatch(options)
  const parts: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    const end = at + sizes()
    const chunk = Uint8Array.from(bytes.subarray(at, end))
    parts.push(Buffer.from(batch.push(chunk)))
    chunk.fill(0) // a chunk belongs to whoever made it once it has been pushed
    at = end
  }
  parts.push(batch.end())
  if (parts.some(part => part.length > 0 && part.at(-1) !== 10)) t.fail('a batch does not end with a line feed')
  return Buffer.concat(parts)
}

const labelled = (bytes: Buffer, label: string): Buffer => {
  const text = bytes.toString('latin1')
  const name = Buffer.from(label).toString('latin1')
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
  return Buffer.from(text === '' ? '' : lines.map(line => `${name}${line}\n`).join(''), 'latin1')
}

t.test('however the bytes are cut, they come out the same, with the label before each line', async t => {
  const random = seeded(t)
  let rounds = 0
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(
      Array.from({ length: random.below(400) }, () => (random.below(10) === 0 ? 10 : random.below(256))),
    )
    const label = ['', 'web1: ', 'knöten7: '][round % 3] ?? ''
    const got = through(bytes, () => 1 + random.below(40), { label, harmless: false })
    if (got.equals(labelled(bytes, label))) rounds++
    else t.fail(`round ${round}: ${bytes.toString('hex')}`)
  }
  t.equal(rounds, 300)
})

t.test('for a terminal no character is damaged at the border of two chunks', async t => {
  const text = 'ä漢🙂 \u001b[32mgrün\u001b[0m\nzwei\n\r\ndrei'
  const expected = through(Buffer.from(text), () => 1000, { label: 'ö: ', harmless: true }).toString()
  t.match(expected, /^ö: ä漢🙂 .*grün.*\nö: zwei\nö: \nö: drei\n$/u)
  for (const size of [1, 2, 3, 5])
    t.equal(
      through(Buffer.from(text), () => size, { label: 'ö: ', harmless: true }).toString(),
      expected,
      `size ${size}`,
    )
})

t.test('a line which does not end is broken after 1 MiB, at a character, and nothing is lost', async t => {
  const text = `${'x'.repeat(MAX_LINE - 1)}${'ä'.repeat(MAX_LINE)}`
  const lines = through(Buffer.from(text), () => 50_000, { label: '', harmless: false })
    .toString()
    .split('\n')
  t.equal(lines.at(-1), '')
  t.equal(lines.length, 4)
  t.notOk(
    lines.some(line => line.includes('\ufffd')),
    'no character was cut in two',
  )
  t.ok(lines.every(line => Buffer.byteLength(line) <= MAX_LINE))
  t.ok(lines.join('') === text)
})

t.test('binary without any line end and without characters is broken too', async t => {
  const bytes = Buffer.alloc(3 * MAX_LINE, 0x80)
  const out = through(bytes, () => 65_536, { label: '', harmless: false })
  t.equal(out.filter(byte => byte === 0x80).length, bytes.length)
  t.equal(out.filter(byte => byte === 10).length, 3)
})
