import t from 'tap'
import { StokerError } from '../../../src/base/errors.ts'
import type { Output } from '../../../src/connection/connection.ts'
import { MASK, maskOf } from '../../../src/policy/apply/mask.ts'

const mask = maskOf(["s3cret'pass", 's3cret', 'two\nlines-of-text\nx', 'a"b'])

t.test('secrets are hidden in texts, also as quoting writes them', async t => {
  for (const [text, expected] of [
    ['nothing', 'nothing'],
    ["a s3cret'pass b", `a ${MASK} b`],
    ['s3cret and s3cret', `${MASK} and ${MASK}`],
    [`echo 's3cret'\\''pass'`, `echo '${MASK}'`],
    [JSON.stringify('say a"b'), `"say ${MASK}"`],
    ['-two\n', '-two\n'],
    ['-lines-of-text\n+x', `-${MASK}\n+x`],
    ['two\nlines-of-text\nx', MASK],
  ] as const)
    t.equal(mask.text(text), expected, text)
  t.equal(maskOf([]).text('all'), 'all')
})

t.test('errors and results carry no secret, nor does what caused them', async t => {
  const error = mask.error(new StokerError('ACTOR_FAILED', 's3cret', 'no s3cret', { cause: 's3cret', detail: 'a"b' }))
  t.strictSame([error.code, error.subject, error.message, error.detail], ['ACTOR_FAILED', MASK, `no ${MASK}`, MASK])
  t.equal(error.cause, undefined)
  const result = mask.resource({
    resource: 'command s3cret',
    place: 0,
    state: 'changed',
    changes: [{ what: 's3cret', diff: '+s3cret\n' }],
    detail: 's3cret',
    error,
  })
  t.notMatch(JSON.stringify(result), /s3cret/)
})

t.test('a secret which arrives in pieces is hidden, and nothing else is held back or lost', async t => {
  const said = (pieces: readonly string[]) => {
    const stream = mask.stream()
    const out: Output[] = []
    for (const piece of pieces) {
      const shown = stream.push({ stream: 'stdout', data: Buffer.from(piece, 'latin1') })
      if (shown) out.push(shown)
    }
    return [...out, ...stream.end()].map(({ data }) => Buffer.from(data).toString('latin1'))
  }
  const text = "x\u00ff s3cret'pass y s3 s3cre s3cret\n"
  const expected = `x\u00ff ${MASK} y s3 s3cre ${MASK}\n`
  for (let size = 1; size <= text.length; size++) {
    const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
    const shown = said(pieces).join('')
    t.equal(shown, expected, `pieces of ${size}`)
  }
  t.strictSame(said(['prompt> ', 'a']), ['prompt> ', 'a'])
})
