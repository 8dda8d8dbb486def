import t from 'tap'
import * as z from 'zod'
import { StokerError } from '../../src/base/errors.ts'
import { atLocation } from '../../src/config/at-location.ts'
import { defaultConfig, parseConfig } from '../../src/config/config.ts'
import { mapping, parseOptions } from '../../src/config/shape.ts'

const config = parseConfig(
  `warehouses:
  - kind: ldap
    servers: [one, {url: two}]
    filters:
      apache: x
      a.b: y
actions:
  hello: {actor: greet, argument: {text: hi}}
`,
  'stoker.yaml',
  '/home/me',
)

const told = (subject: string, message: string, code: 'CONFIG' | 'ACTOR_OPTION' = 'CONFIG') =>
  (atLocation(config, ['warehouses', 0], new StokerError(code, subject, message)) as Error).message

t.test('an error about an option is told with the place of the option', async t => {
  const table = [
    ['filters.apache', 'filters.apache: no filter', '5:15: warehouses[0].filters.apache: no filter'],
    ['filters.apache', 'that is no filter', '5:15: warehouses[0].filters.apache: that is no filter'],
    ['filters."a.b"', 'filters."a.b": no filter', '6:12: warehouses[0].filters."a.b": no filter'],
    ['filters.a.b', 'no filter', '6:12: warehouses[0].filters."a.b": no filter'],
    ['servers[1].url', 'servers[1].url: no URL', '3:26: warehouses[0].servers[1].url: no URL'],
    ['servers.0', 'no server', '3:15: warehouses[0].servers[0]: no server'],
    ['path', 'path: is missing; expected text', '2:5: warehouses[0].path: is missing; expected text'],
    ['ldap', 'the moon is wrong', '2:5: warehouses[0]: the moon is wrong'],
    ['', 'the moon is wrong', '2:5: warehouses[0]: the moon is wrong'],
    ['filter', 'filter: unknown key', '2:5: warehouses[0].filter: unknown key'],
    [
      'filters',
      'filters: unknown key; did you mean "filter"?',
      '4:5: warehouses[0].filters: unknown key; did you mean "filter"?',
    ],
  ] as const
  for (const [subject, message, expected] of table) t.equal(told(subject, message), `stoker.yaml:${expected}`, subject)
})

t.test('what parseOptions throws fits', async t => {
  const schema = mapping({ servers: z.array(z.string()), filters: z.record(z.string(), z.string()).optional() })
  const place = (options: unknown) => {
    try {
      parseOptions(schema, options)
    } catch (thrown) {
      return (atLocation(config, ['warehouses', 0], thrown) as Error).message
    }
    return undefined
  }
  const { options } = config.warehouses[0] ?? {}
  t.equal(place(options), 'stoker.yaml:3:20: warehouses[0].servers[1]: expected text, not a mapping')
  t.equal(place({ ...options, servers: [] }), undefined)
  t.equal(
    place({ filter: 1 }),
    'stoker.yaml:2:5: warehouses[0].filter: unknown key; did you mean "filters"? (known: servers, filters)',
  )
})

t.test('code and subject stay; an actor option is placed too', async t => {
  const thrown = new StokerError('ACTOR_OPTION', 'argument.text', 'too short')
  const error = atLocation(config, ['actions', 'hello'], thrown)
  t.match(error, {
    code: 'ACTOR_OPTION',
    subject: 'argument.text',
    message: 'stoker.yaml:8:42: actions.hello.argument.text: too short',
    cause: thrown,
  })
})

t.test('other errors, and those without a configuration, come back as they are', async t => {
  const other = new StokerError('WAREHOUSE_FAILED', 'ldap', 'down')
  t.equal(atLocation(config, ['warehouses', 0], other), other)
  const bug = new TypeError('bug')
  t.equal(atLocation(config, ['warehouses', 0], bug), bug)
  const bad = new StokerError('CONFIG', 'path', 'path: is missing')
  t.equal(atLocation(defaultConfig('/'), [], bad), bad)
})
