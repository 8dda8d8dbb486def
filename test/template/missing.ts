import t from 'tap'
import { hintFor } from '../../src/template/missing.ts'
import { compileTemplate } from '../../src/template/template.ts'

const data = { node: { name: 'a', vars: { rack: 'r1' } }, hosts: [{ name: 'x', address: '10.0.0.1' }], big: {} }

t.test('a missing key is told with the nearest one, wherever on the way it is missing', async t => {
  for (const [path, expected] of [
    ['node.nmae', '; did you mean node.name?'],
    ['nod.vars.rack', '; did you mean node.vars.rack?'],
    ['node.vars.rakc', '; did you mean node.vars.rack?'],
    ['node.vars.other', ' (there is: rack)'],
    ['node.name.x', ''],
    ['hosts.name', ''],
    ['big.x', ''],
  ] as const)
    t.equal(hintFor(path.split('.'), data), expected, path)
})

t.test('so does a template, within loops too', async t => {
  for (const [text, message] of [
    ['{{node.nmae}}', /^t:1:1: \{\{node\.nmae\}\}: there is no such key; did you mean node\.name\?$/],
    ['{{{node.vars.rakc}}}', /did you mean node\.vars\.rack\?/],
    ['{{#each hots}}{{/each}}', /there is no such key; did you mean hosts\?/],
    ['{{#each hosts}}\n{{adress}}{{/each}}', /^t:2:1: \{\{adress\}\}: there is no such key; did you mean address\?/],
    ['{{#each hosts}}{{this.nam}}{{/each}}', /did you mean name\?/],
    ['{{#each hosts}}{{../nod.name}}{{/each}}', /there is no such key/],
    ['{{@root.nod}}', /there is no such key/],
  ] as const)
    t.throws(() => compileTemplate('t', text).render(data), { code: 'CONFIG', message }, text)
})
