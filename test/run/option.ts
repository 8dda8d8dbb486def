import t from 'tap'
import { parseOptions } from '../../src/run/actor-options.ts'
import { option, options } from '../../src/run/option.ts'

const schema = options({
  file: option.path.default('/etc/motd').describe('The file.'),
  mode: option.mode.default(0o644),
  owner: option.account.optional(),
  force: option.truth.default(false),
  tags: option.list.optional(),
  size: option.integer(1, 9).optional(),
  state: option.oneOf('present', 'absent').default('present'),
  name: option.text.refine(name => name !== 'root', 'cannot be root'),
})
const parse = (argument: unknown) => parseOptions('mine', schema, argument)

t.test(
  'options come as a command line gives them, or as YAML does, and one which is left out has its default',
  async t => {
    t.strictSame(parse({ name: 'a', mode: '0600', force: 'yes', tags: 'x, y', size: '3', owner: 7 }), {
      file: '/etc/motd',
      mode: 0o600,
      owner: '7',
      force: true,
      tags: ['x', 'y'],
      size: 3,
      state: 'present',
      name: 'a',
    })
    const { file, mode, tags }: { readonly file: string; readonly mode: number; readonly tags: unknown } = parse({
      name: 'a',
      file: '/srv//www/',
    })
    t.strictSame({ file, mode, tags }, { file: '/srv/www', mode: 0o644, tags: undefined })
  },
)

t.test('what is wrong is told with the option', async t => {
  for (const [argument, message] of [
    [{}, 'actor mine, option "name": is missing; expected text'],
    [{ name: '' }, 'actor mine, option "name": is empty'],
    [{ name: 'root' }, 'actor mine, option "name": cannot be root'],
    [
      { nmae: 'a' },
      'actor mine, option "nmae": unknown key; did you mean "name"? (known: file, mode, owner, force, tags, size, state, name)',
    ],
    [{ name: 'a', size: 10 }, 'actor mine, option "size": expected a whole number from 1 to 9'],
    [{ name: 'a', state: 'gone' }, 'actor mine, option "state": expected present or absent, not "gone"'],
  ] as const)
    t.throws(() => parse(argument), { code: 'ACTOR_OPTION', message })
})
