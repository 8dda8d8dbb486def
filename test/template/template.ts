import t from 'tap'
import { StokerError } from '../../src/base/errors.ts'
import { compileTemplate, type Format } from '../../src/template/template.ts'

const render = (text: string, data: object, format?: Format): string =>
  compileTemplate('t.hbs', text, format).render(data)

/** The message of what is thrown, which has to be of the code `CONFIG`. */
const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (thrown) {
    return thrown instanceof StokerError && thrown.code === 'CONFIG' ? thrown.message : `not CONFIG: ${thrown}`
  }
  return 'nothing was thrown'
}

const SHOUTING: Format = {
  escape: value => {
    if (value.includes(';')) throw new Error('it has a semicolon')
    return value.toUpperCase()
  },
  helpers: { quoted: value => `"${value}"`, name: value => `<${value}>` },
}

t.test('values stand where the template names them, in blocks too', async t => {
  const data = { a: 'x', n: 0, yes: true, no: false, list: ['p', 'q'], empty: [], inner: { b: 'y' }, text: '' }
  for (const [text, expected] of [
    ['{{a}}-{{n}}-{{yes}}', 'x-0-true'],
    ['{{inner.b}} {{#with inner}}{{b}}{{../a}}{{/with}}', 'y yx'],
    ['{{#each list}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}', '0p,1q'],
    ['{{#each empty}}no{{else}}none{{/each}}', 'none'],
    ['{{#if missing}}a{{else if no}}b{{else}}c{{/if}}', 'c'],
    ['{{#unless missing}}a{{/unless}}', 'a'],
    [
      '{{#if (eq a "x")}}1{{/if}}{{#if (ne a "x")}}2{{/if}}{{#if (and yes a)}}3{{/if}}{{#if (or no text)}}4{{/if}}{{#if (not no)}}5{{/if}}',
      '135',
    ],
    ['{{lookup inner "b"}}', 'y'],
    ['{{join list ", "}}', 'p, q'],
    ['{{#each list as |one|}}{{one}}{{/each}}', 'pq'],
    ['{{@root.a}}', 'x'],
    ['{{! a comment }}a', 'a'],
  ] as const)
    t.equal(render(text, data), expected, text)
})

t.test('every value goes through the escaping of its format, but for three braces', async t => {
  const data = { a: 'x', list: ['p', 'q'], inner: { b: 'y' }, bad: 'a;b' }
  for (const [text, expected] of [
    ['{{a}}', 'X'],
    ['{{{a}}}{{&a}}', 'xx'],
    ['{{join list "+"}}', 'P+Q'],
    ['{{lookup inner "b"}}', 'Y'],
    ['{{quoted a}}', '"x"'],
    ['{{{bad}}}', 'a;b'],
  ] as const)
    t.equal(render(text, data, SHOUTING), expected, text)
  t.equal(
    refusal(() => render('a\n {{bad}}', data, SHOUTING)),
    't.hbs:2:2: {{bad}}: it has a semicolon',
  )
  t.match(
    refusal(() => render('{{join list ", "}}', { list: ['a', ';'] }, SHOUTING)),
    'it has a semicolon',
  )
})

t.test('a key may be called as a helper is: without a word behind it, it is the key', async t => {
  t.equal(render('{{name}} {{name name}} {{#if name}}y{{/if}}', { name: 'x' }, SHOUTING), 'X <x> y')
  t.strictSame(compileTemplate('t', '{{name}}{{quoted name}}', SHOUTING).paths, ['name', 'name'])
})

t.test('a key which is not there is an error with its place, never an empty one', async t => {
  const data = { a: { b: 'x' }, list: [{ name: 'web1' }], nothing: null }
  for (const [text, expected] of [
    ['{{missing}}', 't.hbs:1:1: {{missing}}: there is no such key (there is: a, list, nothing)'],
    ['\n  {{a.c}}', 't.hbs:2:3: {{a.c}}: there is no such key; did you mean a.b?'],
    ['{{#each lisd}}{{/each}}', 't.hbs:1:1: {{#each lisd}}{{/each}}: there is no such key; did you mean list?'],
    ['{{#with lisd}}{{/with}}', 't.hbs:1:1: {{#with lisd}}{{/with}}: there is no such key; did you mean list?'],
    ['{{#if (eq none 1)}}{{/if}}', 't.hbs:1:7: (eq none 1): there is no such key'],
    ['{{a}}', 't.hbs:1:1: {{a}}: it is a mapping, not text'],
    ['{{list}}', 't.hbs:1:1: {{list}}: it is a list, not text'],
    ['{{nothing}}', 't.hbs:1:1: {{nothing}}: it is empty (null)'],
    ['{{join a ","}}', 't.hbs:1:1: {{join a ","}}: it is no list'],
  ] as const)
    t.equal(
      refusal(() => render(text, data)),
      expected,
      text,
    )
})

t.test('an error inside a loop names the item, and where it comes from, harmlessly', async t => {
  const hosts = [{ name: 'web1', origin: { id: 'cn=web1' }, boot: {} }]
  const text = '{{#each hosts}}{{#with boot}}{{file}}{{/with}}{{/each}}'
  t.equal(
    refusal(() => render(text, { hosts })),
    't.hbs:1:30: {{file}}: there is no such key ("web1", from "cn=web1")',
  )
  const evil = [{ name: '\u001b[2J', boot: {} }]
  t.match(
    refusal(() => render(text, { hosts: evil })),
    '("\\u001b[2J")',
  )
})

t.test('what every object has is no key', async t => {
  for (const path of ['constructor', 'a.__proto__', 'toString', 'a.constructor.prototype'])
    t.match(
      refusal(() => render(`{{${path}}}`, { a: {} })),
      'there is no key',
      path,
    )
  t.match(
    refusal(() => render('{{lookup a "constructor"}}', { a: {} })),
    'there is no such key',
  )
})

t.test('a text which is no template is refused with its place', async t => {
  for (const [text, expected] of [
    ['a\n{{#if x}}', /^t\.hbs:2:.*is not complete/],
    ['{{#if x}}\n{{/each}}', /^t\.hbs:1:\d+: .*if doesn't match each/],
    ['{{qouted a}}', /^t\.hbs:1:3: .*there is no helper qouted; did you mean quoted\?/],
    ['{{quoted a key=1}}', /^t\.hbs:1:1: .*helper quoted takes no KEY=VALUE/],
    ['{{> other}}', /^t\.hbs:1:1: .*templates do not include others/],
    ['{{#> other}}{{/other}}', /^t\.hbs:1:1: /],
    ['{{* deco}}', /^t\.hbs:1:1: .*decorators are not taken/],
  ] as const)
    t.match(
      refusal(() => compileTemplate('t.hbs', text, SHOUTING).render({ a: 1, x: 1 })),
      expected,
      text,
    )
})

t.test('the paths which a template reads are told', async t => {
  t.strictSame(compileTemplate('t', '{{a.b}}{{#each list}}{{this.c}}{{../d}}{{#if (eq e 1)}}{{/if}}{{/each}}').paths, [
    'a.b',
    'list',
    'this.c',
    '../d',
    'e',
  ])
})

t.test('a line which its reader would cut is refused with the line of the template', async t => {
  const format: Format = { escape: value => value, maxLine: 10 }
  t.equal(render('1234567890\n{{a}}\n', { a: 'ü' }, format), '1234567890\nü\n')
  t.match(
    refusal(() => render('a\n\n{{a}}{{a}}\n', { a: 'üüü' }, format)),
    /^t\.hbs:3: makes a line of more than 10 bytes/,
  )
})

t.test('a format may look at the text as a whole', async t => {
  const format: Format = {
    escape: value => value,
    whole: text => {
      if (text.length > 3) throw new Error('is long')
    },
  }
  t.equal(render('{{a}}', { a: 'abc' }, format), 'abc')
  t.equal(
    refusal(() => render('{{a}}', { a: 'abcd' }, format)),
    't.hbs: is long',
  )
})
