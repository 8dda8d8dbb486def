import t from 'tap'
import { holds, namesIn, parseCondition } from '../../../src/policy/condition/condition.ts'

const ROOTS = ['facts', 'node', 'vars']
const NAMES = {
  facts: { os: { id: 'debian', version: '12' }, memory: 8 * 2 ** 30, kernel: '6.1.0-18-amd64', cpus: 4 },
  node: { name: 'web1', vars: { rack: 'r2', roles: ['web', 'cache'], slots: 3, spare: false, note: '', gone: null } },
  vars: { release: '9.10', on: true, 'with-dash': 'x' },
}
const says = (text: string, names: object = NAMES) => holds(parseCondition(text, ROOTS), { ...names })

t.test('comparisons of facts, attributes and variables', async t => {
  for (const [text, expected] of [
    ['facts.os.id == debian', true],
    ['facts.os.id == "debian"', true],
    ["facts.os.id != 'debian'", false],
    ['facts.os.version == 12', true],
    ['facts.os.version >= 9', true],
    ['facts.os.version < 9', false],
    ['facts.kernel >= 6.1', true],
    ['facts.kernel < 5.10.0', false],
    ['vars.release > 9.9', true],
    ['facts.memory >= 8GiB', true],
    ['facts.memory < 512MiB', false],
    ['facts.cpus > 3.5', true],
    ['node.vars.slots == 3', true],
    ['node.vars.slots == "3"', true],
    ['facts.os.id in [debian, ubuntu]', true],
    ['facts.os.id in [rhel, "sles"]', false],
    ['cache in node.vars.roles', true],
    ['db in node.vars.roles', false],
    ['web1 in node.name', true],
    ['vars.on', true],
    ['vars.on == true', true],
    ['not vars.on', false],
    ['not not vars.on', true],
    ['node.vars.spare', false],
    ['node.vars.note', false],
    ['node.vars.roles', true],
    ['vars.with-dash == x', true],
    ['facts.os.id == debian and node.vars.rack == r1', false],
    ['facts.os.id == debian or node.vars.rack == r1', true],
    ['facts.os.id == suse and node.vars.rack == r2 or vars.on', true],
    ['facts.os.id == suse and (node.vars.rack == r2 or vars.on)', false],
    ['not (facts.os.id == suse)', true],
  ] as const)
    t.equal(says(text), expected, text)
})

t.test('what has no value equals nothing, is not true, and comes neither before nor after anything', async t => {
  for (const [text, expected] of [
    ['node.vars.gpu', false],
    ['not node.vars.gpu', true],
    ['node.vars.gpu == ""', false],
    ['node.vars.gpu != amd', true],
    ['node.vars.gpu < 3', false],
    ['node.vars.gpu >= 3', false],
    ['node.vars.gone == null', false],
    ['node.vars.rack.deeper', false],
    ['node.vars.toString', false],
    ['node.vars.gpu in [a]', false],
  ] as const)
    t.equal(says(text), expected, text)
})

t.test('without facts only that is said which does not hang on them', async t => {
  const early = { node: NAMES.node, vars: NAMES.vars }
  for (const [text, expected] of [
    ['facts.os.id == debian', undefined],
    ['not facts.os.id', undefined],
    ['node.vars.rack == r1 and facts.os.id == debian', false],
    ['facts.os.id == debian and node.vars.rack == r1', false],
    ['facts.os.id == debian and node.vars.rack == r2', undefined],
    ['facts.os.id == debian or vars.on', true],
    ['facts.os.id == debian or not vars.on', undefined],
    ['r2 in [facts.os.id, node.vars.rack]', undefined],
  ] as const)
    t.equal(says(text, early), expected, text)
})

t.test('what is wrong is told with its column and what to write', async t => {
  for (const [text, message] of [
    ['facts.os.id = debian', /column 13 .*write ==/],
    ['facts.os.id == debian && vars.on', /column 23 .*write and/],
    ['vars.on || vars.on', /write or/],
    ['!vars.on', /column 1 .*write not/],
    ['fact.os.id == debian', /there is no name fact\.os\.id; did you mean facts\.os\.id\?/],
    ['nodes.vars.rack == r2', /did you mean node\.vars\.rack\?/],
    ['facts == debian', /is no whole name/],
    ['node.name == web1.example.org', /text with dots needs quotes/],
    ['node.name == "web1', /the text has no end/],
    ['{{vars.on}}', /without braces/],
    ['(vars.on', /expected a closing parenthesis, found the end/],
    ['vars.on vars.on', /column 9 .*expected and, or, or the end/],
    ['vars.on ==', /expected a name or a value, found the end/],
    ['vars.on in [a b]', /expected a comma, or the closing bracket/],
    ['and vars.on', /expected a name or a value/],
    ['', /expected a name or a value, found the end/],
    ['node.name == process.exit(1)', /there is no name process\.exit/],
    [`${'('.repeat(60)}vars.on${')'.repeat(60)}`, /nested too deep/],
  ] as const)
    t.throws(() => parseCondition(text, ROOTS), { code: 'CONFIG', message }, text)
})

t.test('the names in it are known', async t => {
  const condition = parseCondition('facts.os.id in [a, vars.b] and not (node.vars.rack == 1 or vars.c)', ROOTS)
  t.strictSame(namesIn(condition), [
    ['facts', 'os', 'id'],
    ['vars', 'b'],
    ['node', 'vars', 'rack'],
    ['vars', 'c'],
  ])
})
