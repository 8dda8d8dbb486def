import t from 'tap'
import { mutantsOf, mutated } from '../../scripts/mutate/mutants.ts'

const changed = (source: string, scripts = false) => mutantsOf(source, scripts).map(mutant => mutated(source, mutant))

const changes: readonly (readonly [string, readonly string[]])[] = [
  ['x = a === b', [';', 'x = a !== b']],
  ['x = a<b', [';', 'x = a<=b']],
  ['x = a /* < */ > b', [';', 'x = a /* < */ >= b']],
  ['x = (a && (b)) || c', [';', 'x = (a || (b)) || c', 'x = (a && (b)) && c']],
  ['x = a ?? b', [';', 'x = a ']],
  ['x += 1', [';', 'x -= 1', 'x += 2']],
  ['x = !a', [';', 'x = a']],
  ['x = a?.b', [';', 'x = a.b']],
  ['x = a?.[b]', [';', 'x = a[b]']],
  ['x = true', [';', 'x = false']],
  ['if (a) throw b', ['if (true) throw b', 'if (false) throw b', 'if (a) ;']],
  ['x = a ? b : c', [';', 'x = true ? b : c', 'x = false ? b : c']],
  [
    'for (const a of b) { if (a) continue; c() }',
    [
      'for (const a of b) { if (true) continue; c() }',
      'for (const a of b) { if (false) continue; c() }',
      'for (const a of b) { if (a) ; c() }',
      'for (const a of b) { if (a) continue; ; }',
    ],
  ],
  [
    'const f = () => { if (a) return b; return c }',
    [
      'const f = () => { if (true) return b; return c }',
      'const f = () => { if (false) return b; return c }',
      'const f = () => { if (a) ; return c }',
    ],
  ],
  ['x = a.filter(b).some(c)', [';', 'x = a.some(c)', 'x = a.filter(b).every(c)']],
  ['x = /^a[$^]\\$$/.test(b)', [';', 'x = /a[$^]\\$$/.test(b)', 'x = /^a[$^]\\$/.test(b)']],
  // Types, comments and texts are left alone.
  ['const x: 1 | true = a as unknown as 1 | true // a === b', []],
  ["x = 'a && b; c' as 'a && b; c'", [';']],
  ['type X = 1; interface Y { readonly a: true }', []],
  ['x = (a as B) ?? (c as D)', [';', 'x = (a as B) ']],
  ['x = (a as B)?.c', [';', 'x = (a as B).c']],
  ['x = (a as B)!.slice(1)', [';', 'x = (a as B)!', 'x = (a as B)!.slice(2)']],
  ['x = !(a as B)', [';', 'x = (a as B)']],
  // What the compiler knows to be impossible is no promise.
  ['throw new Error(a satisfies never)', []],
]

t.test('each change is a small one, at its place in the TypeScript source', async t => {
  for (const [source, expected] of changes) t.strictSame(changed(source), expected, source)
})

t.test('a script of a shell loses one command at a time, where texts are scripts', async t => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the source
  t.strictSame(changed("const x = 'a; b || c; d'; const y = `e; ${f}; g`; const z = 'one'", true), [
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: the template is the source
    "const x = 'b || c; d'; const y = `e; ${f}; g`; const z = 'one'",
    "const x = 'a; d'; const y = `e; ${f}; g`; const z = 'one'",
    "const x = 'a; b && c; d'; const y = `e; ${f}; g`; const z = 'one'",
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: the template is the source
  ])
})

t.test('a change knows its line, what was there and what is there instead', async t => {
  t.strictSame(
    mutantsOf('const a = 1\nconst b =\n  c > 2\n').map(({ line, from, to }) => ({ line, from, to })),
    [
      { line: 1, from: '1', to: '2' },
      { line: 3, from: '>', to: '>=' },
      { line: 3, from: '2', to: '3' },
    ],
  )
})
