import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import { DEFAULT_POLICY } from '../../src/render/data/problem.ts'
import { exitCodeOfRender } from '../../src/render/output/result.ts'
import { SERVICES } from '../../src/render/services/services.ts'

const root = join(import.meta.dirname, '../..')
const page = await readFile(join(root, 'docs/render.md'), 'utf8')

const keysUnder = (heading: string): readonly string[] => {
  const [, section = ''] = page.split(new RegExp(`^## ${heading}$`, 'm'))
  const [text = ''] = section.split(/^## /m)
  return [...text.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([\w-]+)/g)].map(([, key = '']) => key),
  )
}

t.test('the example is read, and each key which all services have is told', async t => {
  const [, example = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? []
  const config = parseConfig(example, '/site/stoker.yaml', '/home/me')
  t.match(config.networks, [{ name: 'cluster', boot: { nextServer: 'boot1' }, leaseTime: 43_200 }])
  t.match(config.renders.get('dhcpd'), { maxShrink: 0.2, settings: { authoritative: true } })
  t.match(config.renders.get('lease-page'), { service: 'template', settings: { template: 'page.hbs' } })
  for (const { service, settings } of config.renders.values())
    t.ok((await SERVICES[service]?.())?.configure(settings), `${service} takes its settings`)
  const [, known = ''] = /\(known: (.*)\)/.exec(errorOf('render: {x: {problems: {nosuch: skip}}}')) ?? []
  t.match(known, 'duplicate-mac')
  const taken = {
    service: 'x',
    warehouses: 'x',
    deadline: 1,
    'max-shrink': '1%',
    problems: {},
    template: 'x',
    templates: {},
    check: false,
  }
  t.strictSame(keysUnder('Configuration'), Object.keys(taken))
  const entry = parseConfig(`render: {x: ${JSON.stringify(taken)}}`, '/s', '/h').renders.get('x')
  t.strictSame(entry?.settings, {}, 'none of them is left for the service')
})

t.test('what becomes of each kind of problem is told', async t => {
  const told = [...page.matchAll(/^\* `(error|skip|warn)`: ([^*]*)/gm)].flatMap(([, verdict = '', text = '']) => {
    const [, kinds = ''] = /\n((?: {2}`.*\n?)+)/.exec(text) ?? []
    return [...kinds.matchAll(/`([\w-]+)`/g)].map(([, kind = '']) => [kind, verdict])
  })
  t.strictSame(Object.fromEntries(told), { ...DEFAULT_POLICY })
})

t.test('the options are those of the program', async t => {
  const help = execFileSync(process.execPath, [join(root, 'src/stoker.ts'), 'render', '--help'], { encoding: 'utf8' })
  const known = [...help.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)]
    .map(([, option = '']) => option)
    .filter(one => !['config', 'help', 'version'].includes(one))
  const told = keysUnder('Options')
    .map(option => option.replace(/^--/, ''))
    .filter(one => one !== 'watch')
  t.strictSame(told.toSorted(), known.filter(one => one !== 'watch').toSorted())
})

t.test('the services which need no configuration are named', async t => {
  for (const name of Object.keys(SERVICES)) t.match(page, `\`${name}\``)
})

t.test('the exit codes are those which results have', async t => {
  const told = [...page.matchAll(/^\| (\d+)[, \d]* \| /gm)].map(([, code]) => Number(code))
  t.strictSame(told, [0, 1, 2, 3, 4, 10, 130])
  const about = { name: 'x', size: undefined, problems: [], files: [] }
  t.equal(exitCodeOfRender({ kind: 'would-change', ...about, action: 'none' }), 10)
})

const errorOf = (text: string): string => {
  try {
    parseConfig(text, '/site/stoker.yaml', '/home/me')
  } catch (thrown) {
    return (thrown as Error).message
  }
  return ''
}
