import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parseNodeName } from '../../src/base/names.ts'
import { parseConfig, type WarehouseEntry } from '../../src/config/config.ts'
import { withCopy } from '../../src/site/with-copy.ts'
import { memory } from '../fixtures/sites/memory.ts'

const io = { signal: new AbortController().signal }
const ENTRIES = `warehouses:
  - {kind: file}
  - {kind: dns}
  - {kind: ./mine.ts}
  - {kind: ldap, filters: {apache: (description=apache)}}
  - {kind: mysql}
  - {kind: mysql, name: bygroup, sql: {members: "SELECT member FROM m WHERE g = ?"}}
  - {kind: exec}
  - {kind: exec, name: ansible, format: ansible}
  - {kind: clustershell}
  - {kind: genders, cache: 1h}
  - {kind: ./other.ts, keep: 1d}
`

t.test('copies are made of remote sources, and of what the configuration says, of all that costs nothing', async t => {
  const folder = t.testdir()
  process.env.XDG_CACHE_HOME = folder
  const config = parseConfig(ENTRIES, '/site/stoker.yaml', '/home/me')
  /** The groups which are asked for their members when only a node was wanted; nothing when there is no copy at all. */
  const asked = async (entry: WarehouseEntry): Promise<string> => {
    const source = memory({ name: entry.name, nodes: { web1: {} }, groups: { web: ['web1'], apache: ['web1'] } })
    const settings = { config, fresh: false, notice: t.fail }
    {
      await using warehouse = withCopy(source, entry, settings)
      if (warehouse === source) return 'no copy'
      await warehouse.nodes([parseNodeName('web1')], io)
    }
    t.match(await readdir(join(folder, 'stoker')), new RegExp(`(^|,)${entry.name}-[0-9a-f]{16}.json`))
    return source.asked.flatMap(question => question.split('members ').slice(1)).join(' ')
  }
  const found: Record<string, string> = {}
  for (const entry of config.warehouses) found[entry.name] = await asked(entry)
  t.strictSame(found, {
    file: 'no copy',
    dns: 'no copy',
    mine: 'no copy',
    ldap: 'web',
    mysql: 'web apache',
    bygroup: '',
    exec: '',
    ansible: 'web apache',
    clustershell: '',
    genders: '',
    other: '',
  })
})
