import t from 'tap'
import { rollUp } from '../../../scripts/declarations/roll-up.ts'

/** Rolls up `library/a` and whatever else begins with `library/`. */
const roll = (modules: Readonly<Record<string, string>>) => {
  const read = (path: string): string => {
    const text = modules[path]
    if (text === undefined) throw new Error(`asked for ${path}`)
    return text
  }
  return Object.fromEntries(
    rollUp(
      Object.keys(modules).filter(path => path.startsWith('library/')),
      read,
    ),
  )
}

t.test('entries share one file, which has what they export and what that needs, and no more', async t => {
  const made = roll({
    'library/a':
      "/** Entry a. */\nexport { type Name, parse } from '../base/names.ts';\nexport type { Job } from '../job.ts';\n",
    'library/b': "export * from '../base/names.ts';\n",
    'base/names': `/** Names. */
/** Checked; not 'any' text; see {@link parse}. */
export type Name = string & {
    readonly [name]: true;
};
declare const name: unique symbol;
/** Parses. */
export declare const parse: (text: string) => Name;
`,
    job: `/** Jobs. */
import type { Name } from './base/names.ts';
import { unused } from 'a-package';
/** With a bracket: } */
export interface Job extends Base {
    readonly kind: 'one' | 'Spare';
    take(name: Name): Way;
}
interface Base {
}
export type Way = 
/** Here. */
{
    readonly kind: 'here';
}
/** There. */
 | {
    readonly kind: 'there';
};
export interface Spare {
}
`,
  })
  t.equal(made.a, "export { Job, Name, parse } from './declarations.js';\n")
  t.equal(made.b, "export { Name, parse } from './declarations.js';\n")
  t.equal(
    made.declarations,
    `/** With a bracket: } */
export interface Job extends Base {
    readonly kind: 'one' | 'Spare';
    take(name: Name): Way;
}
export interface Base {
}
/** Checked; not 'any' text; see {@link parse}. */
export type Name = string & {
    readonly [name]: true;
};
export declare const name: unique symbol;
export type Way = 
/** Here. */
{
    readonly kind: 'here';
}
/** There. */
 | {
    readonly kind: 'there';
};
/** Parses. */
export declare const parse: (text: string) => Name;
`,
  )
})

t.test('what cannot be rolled up is an error, and never lost', async t => {
  const a = "export { A } from '../a.ts';\n"
  for (const [modules, message] of [
    [{ a: "import { B } from 'zod';\nexport type A = B;\n" }, /^a needs the types of zod$/],
    [{ a: 'export type B = 1;\n' }, /^library\/a exports A, which is nowhere$/],
    [{ a: "import { B as C } from './b.ts';\nexport type A = C;\n" }, /^cannot roll up a name by another: B as C$/],
    [{ a: "export type A = import('zod').B;\n" }, /^cannot roll up: export type A = import/],
    [{ a: 'export declare enum A {\n}\n' }, /^cannot roll up: export declare enum A/],
    [
      {
        a: "import type { B } from './b.ts';\nexport type A = B | D;\ntype D = 1;\n",
        b: 'type D = 2;\nexport type B = D;\n',
      },
      /^two declarations are called D: in [ab] and in [ab]$/,
    ],
  ] as const)
    t.throws(() => roll({ 'library/a': a, ...modules }), { message })
})
