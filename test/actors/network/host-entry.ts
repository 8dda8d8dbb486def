import { readFile } from 'node:fs/promises'
import t from 'tap'
import { hostEntry } from '../../../actors/network/host-entry.ts'
import { convergentContract, localHost, runOn, sshHosts } from '../../fixtures/contracts/convergent.ts'
import { busyboxHosts } from '../../fixtures/roots/busybox.ts'

t.test('entries come as a list, or as the lines of the file', async t => {
  const entries = [
    { address: '10.0.0.1', names: ['a.x', 'a'] },
    { address: '::2', names: ['b'] },
  ]
  t.strictSame(hostEntry.parse({ entries }).entries, entries)
  t.strictSame(hostEntry.parse({ entries: '# all\n10.0.0.1 a.x\ta # first\n\n::2 b' }).entries, entries)
  t.strictSame(hostEntry.parse({ address: '10.0.0.1', names: 'a.x, a' }).names, ['a.x', 'a'])
})

t.test('wrong options are named', async t => {
  for (const [options, message] of [
    [{}, /option "address": give either/],
    [{ address: '10.0.0.1' }, /option "names": is missing/],
    [{ address: '10.0.0.300', names: 'a' }, /option "address": expected an IPv4 or IPv6 address/],
    [{ address: '10.0.0.1', names: 'a b' }, /option "names": expected host names/],
    [{ address: '10.0.0.1', names: ['a#'] }, /option "names": expected host names/],
    [{ address: '10.0.0.1', names: '-a' }, /option "names"/],
    [{ address: '10.0.0.1', names: 'a', entries: '::1 b' }, /option "address": give either/],
    [{ entries: '10.0.0.1 a\n10.0.0.2' }, /line 2: 10.0.0.2 has no names/],
    [{ entries: '10.0.0.1 a\nx y' }, /line 2: "x" is no address/],
    [
      { entries: [{ address: '10.0.0.1', names: ['a'], adress: 1 }] },
      /entries.0.adress": unknown key; did you mean "address"/,
    ],
  ] as const)
    t.throws(() => hostEntry.parse(options), { code: 'ACTOR_OPTION', message }, JSON.stringify(options))
})

const host = localHost(t)

t.test('a missing file is told, and not made', async t => {
  const path = `${await host.folder()}/hosts`
  const { outcome } = await runOn(hostEntry, { path, address: '::1', names: 'a' }, host)
  t.match(outcome, { kind: 'failed', error: { message: /there is no such file/ } })
})

const group = Array.from({ length: 20 }, (_, n) => ({
  address: `10.0.1.${n + 1}`,
  names: [`web${n}.example.org`, `web${n}`],
}))
const before = '127.0.0.1 localhost\n127.0.1.1\tweb7 me\n'
t.test('the exam of convergent actors', async t => {
  await convergentContract(
    t,
    hostEntry,
    [
      {
        title: 'one entry',
        before: ({ folder, sh }) => sh(`printf '127.0.0.1 localhost\\n' >${folder}/hosts`),
        options: ({ folder }) => ({ path: `${folder}/hosts`, address: '10.0.0.1', names: 'web1.example.org, web1' }),
        after: async (t, { folder }) => {
          t.equal(await readFile(`${folder}/hosts`, 'utf8'), '127.0.0.1 localhost\n10.0.0.1\tweb1.example.org web1\n')
        },
        reverse: ({ folder }) => ({
          path: `${folder}/hosts`,
          address: '10.0.0.1',
          names: 'web1.example.org, web1',
          state: 'absent',
        }),
        reversed: async (t, { folder }) => {
          t.equal(await readFile(`${folder}/hosts`, 'utf8'), '127.0.0.1 localhost\n')
        },
      },
      {
        title: 'a whole group',
        before: ({ folder, sh }) => sh(`printf '${before.replaceAll('\n', '\\n')}' >${folder}/hosts`),
        options: ({ folder }) => ({ path: `${folder}/hosts`, entries: group }),
        after: async (t, { folder }) => {
          const lines = (await readFile(`${folder}/hosts`, 'utf8')).split('\n')
          t.equal(lines.length, 23)
          t.equal(lines[1], '127.0.1.1\tme')
          t.equal(lines[9], '10.0.1.8\tweb7.example.org web7')
        },
        reverse: ({ folder }) => ({ path: `${folder}/hosts`, entries: group, state: 'absent' }),
      },
    ],
    [host, ...(await sshHosts(t)), ...(await busyboxHosts(t))],
  )
})
