import t from 'tap'
import { insert, insertionIndex, joinLines, raw, readable, splitLines, trimmed } from '../../../actors/files/lines.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

t.test('what is split and joined is the same, byte for byte', async t => {
  const all = Buffer.from(Array.from({ length: 512 }, (_, index) => index & 255))
  for (const text of ['', '\n', '\n\n', 'a', 'a\n', 'a\r\nb\n', '\r', 'a\rb', '\r\n', 'a\0b\n\0', 'ü\n'])
    t.strictSame(joinLines(splitLines(bytes(text))), bytes(text), JSON.stringify(text))
  t.strictSame(joinLines(splitLines(all)), all)
})

t.test('lines end as the first one does, and a last line without newline gets one when others follow', async t => {
  for (const [before, at, after] of [
    ['', 0, 'x\n'],
    ['a', 1, 'a\nx\n'],
    ['a\n', 1, 'a\nx\n'],
    ['a\n', 0, 'x\na\n'],
    ['a\r\nb\r\n', 1, 'a\r\nx\r\nb\r\n'],
    ['a\r\nb', 2, 'a\r\nb\r\nx\r\n'],
    ['a\nb\r\n', 2, 'a\nb\r\nx\n'],
    ['a', 0, 'x\na'],
  ] as const)
    t.equal(
      Buffer.from(joinLines(insert(splitLines(bytes(before)), at, ['x']))).toString(),
      after,
      JSON.stringify(before),
    )
})

t.test('new lines go by their anchor', async t => {
  const lines = splitLines(bytes('one\ntwo\none\nthree'))
  for (const [anchor, place] of [
    [{}, 4],
    [{ after: 'EOF' }, 4],
    [{ before: 'BOF' }, 0],
    [{ after: /^one/u }, 3],
    [{ before: /^one/u }, 2],
    [{ after: /none/u }, 4],
    [{ before: /none/u }, 4],
  ] as const)
    t.equal(insertionIndex(lines, anchor), place, String(Object.entries(anchor)))
})

t.test('UTF-8 is read as text, other bytes as one character each', async t => {
  t.equal(readable(raw('Größe €')), 'Größe €')
  t.equal(readable('Gr\xf6\xdfe'), 'Größe')
})

t.test('only blanks and tabs are trimmed', async t => {
  t.equal(trimmed(' \t a b \t'), 'a b')
  t.equal(trimmed(raw('à')), raw('à'))
  t.equal(trimmed('  '), '')
})
