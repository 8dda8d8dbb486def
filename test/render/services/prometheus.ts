import t from 'tap'
import { host, rendered, SITE, site } from '../../fixtures/sites/render-site.ts'

const targets = async (...words: [settings?: Readonly<Record<string, unknown>>, of?: typeof SITE]) =>
  JSON.parse((await rendered('prometheus', ...words))[0]?.text ?? '')

t.test('each host is a target, with its groups and the vars which the site names as labels', async t => {
  const all = await targets({ labels: { rack: 'rack', slot: 'slots', missing: 'nothing' } })
  t.strictSame(
    all.find(({ labels }: { labels: { host: string } }) => labels.host === 'web1'),
    { targets: ['web1.example.org:9100'], labels: { host: 'web1', groups: ',web,rack 1,', rack: 'r1', slot: ',1,2,' } },
  )
  t.equal(all.length, SITE.hosts.length)
  t.strictSame(await targets({}, site([], [])), [])
})

t.test('targets may be addresses; who has none is left out then', async t => {
  const of = site([], [host('a', { at: ['10.0.0.1'] }), host('b', { at: ['fd00::1'] }), host('c')])
  const all = await targets({ by: 'address', port: 9182 }, of)
  t.strictSame(
    all.map((one: { targets: string[] }) => one.targets),
    [['10.0.0.1:9182'], ['[fd00::1]:9182']],
  )
})

t.test('labels have names which Prometheus takes, and none of its own', async t => {
  for (const name of ['a-b', '__address__', '', '1a'])
    await t.rejects(
      targets({ labels: { [name]: 'rack' } }),
      { code: 'CONFIG', message: /expected the name of a label/ },
      name,
    )
})
