/** Schemas of other libraries than ours: what Standard Schema says, and no more. */
import t from 'tap'
import * as z from 'zod'
import type { OptionsSchema, Validation } from '../../src/config/options-schema.ts'
import { checkShape, parseOptions } from '../../src/config/shape.ts'

const schemaOf = <O>(validate: (value: unknown) => Validation<O> | Promise<Validation<O>>): OptionsSchema<O> => ({
  '~standard': { version: 1, vendor: 'other', validate },
})

t.test('a schema of another library parses, and its issues are told with their paths', async t => {
  t.equal(
    parseOptions(
      schemaOf(value => ({ value: Number(value) + 1 })),
      '1',
    ),
    2,
  )
  const wrong = schemaOf<never>(() => ({
    issues: [{ message: 'too long', path: ['names', { key: 0 }, Symbol('s')] }, { message: 'is bad' }],
  }))
  t.strictSame(checkShape(wrong, {}), {
    kind: 'problems',
    problems: [
      { path: ['names', 0, 'Symbol(s)'], on: 'value', message: 'too long' },
      { path: [], on: 'value', message: 'is bad' },
    ],
  })
  t.throws(() => parseOptions(wrong, {}), { code: 'CONFIG', message: 'names[0].Symbol(s): too long' })
})

t.test('an author’s own zod by its standard face alone says the same', async t => {
  const own = z.object({ port: z.number() })
  const { port }: { readonly port: number } = parseOptions({ '~standard': own['~standard'] } as typeof own, { port: 1 })
  t.equal(port, 1)
  t.match(checkShape({ '~standard': own['~standard'] } as typeof own, { port: 'x' }), {
    problems: [{ path: ['port'], message: /expected number/ }],
  })
})

t.test('a schema which makes one wait is refused', async t => {
  t.throws(
    () =>
      checkShape(
        schemaOf(async () => ({ value: 1 })),
        1,
      ),
    /the schema \(other\) gives a promise/,
  )
})
