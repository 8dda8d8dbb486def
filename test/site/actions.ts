import t from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import { findAction, findOrder } from '../../src/site/actions.ts'

const config = parseConfig(
  `actions:
  hello: {actor: file, argument: 'path=/srv/hello content="hello world"'}
  spaced: {actor: file, argument: "path='/srv/a b' state=directory"}
  typed: {actor: file, argument: {path: /srv/hello, content: "hello \\"world\\""}}
  line: {actor: shell, argument: 'echo "hello  world"'}
  open: {actor: file, argument: 'path=/x content="hello'}
`,
  '/srv/site/stoker.yaml',
  '/root',
)

t.test('a text of options is read as a shell reads words, and a command line stays as it is', async t => {
  for (const [name, argument] of [
    ['hello', { path: '/srv/hello', content: 'hello world' }],
    ['spaced', { path: '/srv/a b', state: 'directory' }],
    ['typed', { path: '/srv/hello', content: 'hello "world"' }],
    ['line', 'echo "hello  world"'],
  ] as const)
    t.strictSame((await findOrder(config, name, [])).argument, argument, name)
})

t.test('a quote which does not end is told with its place in the file', async t => {
  await t.rejects(findAction(config, 'open', []), {
    message: /^\/srv\/site\/stoker\.yaml:6:\d+: actions\.open.*the quote in "hello does not end/,
  })
})

t.test('an unknown action is an error with the nearest names', async t => {
  await t.rejects(findAction(config, 'helo', []), { code: 'UNKNOWN_ACTION', message: /did you mean hello/ })
})
