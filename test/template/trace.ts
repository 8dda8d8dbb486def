import t from 'tap'
import { compileTemplate, type Format } from '../../src/template/template.ts'

const FORMAT: Format = { escape: value => value, helpers: { quoted: value => `"${value}"` } }

/** Each line of the text with the template's line in front. */
const traced = (text: string, data: object): readonly string[] => {
  const template = compileTemplate('t', text, FORMAT)
  const lines = template.lines(data)
  return template
    .render(data)
    .split('\n')
    .map((line, i) => `${lines[i]} ${line}`)
}

t.test('each line of the text has the line of the template which it comes from', async t => {
  const text = [
    '# head', // 1
    '{{#if on}}', // 2
    'on {{on}}', // 3
    '{{else}}', // 4
    'off', // 5
    '{{/if}}', // 6
    '', // 7
    '{{#each hosts}}', // 8
    'host {{name}} {', // 9
    '  {{#each macs}}', // 10
    '  mac {{quoted this}};', // 11
    '  {{/each}}', // 12
    '}', // 13
    '{{else}}', // 14
    'no hosts', // 15
    '{{/each}}', // 16
    'end', // 17
  ].join('\n')
  const hosts = [
    { name: 'a', macs: ['1', '2'] },
    { name: 'b', macs: [] },
  ]
  t.strictSame(traced(text, { on: 'yes', hosts }), [
    '1 # head',
    '3 on yes',
    '7 ',
    '9 host a {',
    '11   mac "1";',
    '11   mac "2";',
    '13 }',
    '9 host b {',
    '13 }',
    '17 end',
  ])
  t.strictSame(traced(text, { on: '', hosts: [] }), ['1 # head', '5 off', '7 ', '15 no hosts', '17 end'])
})

t.test('a line is told by what comes first in it, and lines inside a value by the value', async t => {
  t.strictSame(traced('a\n{{#each list}}{{this}}, {{/each}}\nb {{quoted two}}\nc', { list: [1, 2], two: 'x\ny' }), [
    '1 a',
    '2 1, 2, ',
    '3 b "x',
    '3 y"',
    '4 c',
  ])
  t.strictSame(traced('{{two}}\n\n{{~#if two}} a{{/if}}', { two: 'x' }), ['1 x a'])
  t.strictSame(traced('{{{two}}}{{#if (eq two "")}}\n{{/if}}\nz', { two: '' }), ['1 ', '3 z'])
})

t.test('tracing writes the same text', async t => {
  const data = { list: ['a', 'b'], on: true }
  const text =
    '{{#each list}}\n{{this}}{{#unless @last}},{{/unless}}\n{{/each}}{{#if on}}x{{/if}}{{#with list}}{{length}}{{/with}}\n'
  const template = compileTemplate('t', text, FORMAT)
  t.equal(template.lines(data).length, template.render(data).trimEnd().split('\n').length)
})
