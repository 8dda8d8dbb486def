import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parseGroupName, parseNodeName } from '../../src/base/names.ts'
import { parseConfig } from '../../src/config/config.ts'
import { parseYaml } from '../../src/config/yaml-source.ts'
import { checkSite } from '../../src/render/data/check-site.ts'
import { DEFAULT_POLICY } from '../../src/render/data/problem.ts'
import { parseInventory } from '../../warehouses/file/inventory.ts'

const read = (name: string) => readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

const examples = (markdown: string): readonly string[] =>
  [...markdown.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)

/** The keys in the first column of the tables under a heading. */
const documented = (markdown: string, heading: string): readonly string[] => {
  const [, section = ''] = markdown.split(new RegExp(`^#+ ${heading}$`, 'm'))
  const [text = ''] = section.split(/^#/m)
  return [...text.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, key = '']) => key)
}

t.test('the examples of the configuration are read, and use every key', async t => {
  const markdown = await read('configuration.md')
  const [all = '', ...others] = examples(markdown)
  const config = parseConfig(all, '/site/stoker.yaml', '/home/me')
  t.strictSame(
    config.warehouses.map(({ name }) => name),
    ['site', 'racks', 'dns'],
  )
  for (const text of others) t.doesNotThrow(() => parseConfig(text, '/site/stoker.yaml', '/home/me'))
  t.strictSame(documented(markdown, 'become'), ['user', 'method', 'password-file', 'password-command'])
  for (const part of ['defaults', 'ssh'])
    t.strictSame(
      documented(markdown, part),
      Object.keys((parseYaml(all, 'stoker.yaml').value as Record<string, object>)[part] ?? {}),
      part,
    )
})

t.test('the options of all warehouses are documented, and taken', async t => {
  const [example = ''] = examples(await read('warehouses.md'))
  t.match(parseConfig(example, '/site/stoker.yaml', '/home/me').warehouses, [
    { name: 'ldap', cache: 300_000, options: { base: 'dc=example,dc=org' } },
    { name: 'exec', keep: 0, options: { map: ['./racks.sh', '$GROUP'] } },
  ])
  t.strictSame(documented(await read('warehouses.md'), 'Cache and last good copy'), ['cache', 'keep'])
  t.strictSame(documented(await read('configuration.md'), 'warehouses').slice(2), ['cache', 'keep'])
})

t.test('what is documented as left out is what counts then', async t => {
  const markdown = await read('configuration.md')
  const { defaults } = parseConfig('', '/site/stoker.yaml', '/home/me')
  t.match(markdown, `| ${defaults.fanout} |`)
  t.match(markdown, `login included; 0: no limit | ${defaults.connectTimeout / 1000} |`)
  t.match(markdown, `for the action; 0: no limit | ${defaults.commandTimeout / 1000} |`)
  t.match(markdown, `new connections per second; 0: no limit | ${defaults.connectRate} |`)
})

t.test('the examples of the inventory are read, and say what the text says of them', async t => {
  const texts = examples(await read('warehouses/inventory-file.md'))
  t.equal(texts.length, 3)
  const [first, networks, second] = texts.map(text => parseInventory(parseYaml(text, 'nodes.yaml')))
  t.match(first?.nodes.get(parseNodeName('web3')), {
    addresses: ['10.0.0.13'],
    macs: ['52:54:00:00:00:13'],
    vars: { rack: 'r2' },
  })
  t.match(first?.nodes.get(parseNodeName('db1')), { name: 'db1.example.org', port: 2222, user: 'admin' })
  t.match(first?.nodes.get(parseNodeName('gateway')), { vars: { note: 'left alone, brackets [1-4] and all' } })
  t.strictSame(first?.groups.get(parseGroupName('later')), [])
  t.equal(second?.nodes.size, 4)
  t.match(networks?.nodes.get(parseNodeName('web4')), { boot: { file: 'pxelinux.0', nextServer: '10.0.0.2' } })
  const sources = [{ warehouse: 'file', entries: networks?.networks ?? [] }]
  const checked = checkSite({ networks: sources, hosts: [] }, DEFAULT_POLICY)
  t.strictSame(checked.problems, [])
  t.match(checked.networks, [
    { leaseTime: 43_200, ranges: { length: 2 }, options: { length: 2 } },
    { family: 6, dns: ['2001:db8::2'] },
  ])
})

t.test('the errors shown are the errors given', async t => {
  const wrong = 'nodes:\n  web[1-4]:\n    address: 10.0.0.[11-13]\n'
  const markdown = await read('warehouses/inventory-file.md')
  const message = (work: () => unknown): string => {
    try {
      work()
    } catch (thrown) {
      return (thrown as Error).message
    }
    return 'nothing'
  }
  t.match(
    markdown,
    message(() => parseInventory(parseYaml(wrong, 'nodes.yaml'))),
  )
  t.match(
    await read('configuration.md'),
    message(() => parseConfig('warehouses:\n  - kinds: file\n', 'stoker.yaml', '/')),
  )
})
