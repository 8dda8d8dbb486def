import t from 'tap'
import { StokerError } from '../../../src/base/errors.ts'
import type { Problem } from '../../../src/render/data/problem.ts'
import { checkShrink } from '../../../src/render/output/check-shrink.ts'
import { exitCodeOfRender, type RenderResult } from '../../../src/render/output/result.ts'
import { formatResult, formatResultJson } from '../../../src/render/run/format-result.ts'

const NOW = Date.parse('2030-01-01T12:00:00Z')
const problem = (message: string, verdict: Problem['verdict'] = 'skip'): Problem => ({
  ...{ kind: 'bad-mac', verdict, message, origins: [{ warehouse: 'ldap', id: 'cn=x' }] },
})
const about = { name: 'dhcpd', size: { hosts: 1, networks: 2 }, problems: [] }
const file = (change: 'same' | 'new' | 'changed') => ({ path: `/etc/${change}`, change, onChange: 'restart' }) as const
const words = ['sh', '-c', 'a\nscript', 'stoker', 'isc-dhcp-server', 'restart']
const down = new StokerError('WAREHOUSE_FAILED', 'ldap', 'warehouse ldap: \u001b[31mrefused')
const refusal = new StokerError('RENDER_FAILED', '/etc/x', '/etc/x: not put in place: dhcpd refuses it:\n  line 3: bad')
const last = { at: NOW - 7_500_000 }

t.test('each result has its words and its exit code', async t => {
  const cases: readonly (readonly [RenderResult, number, string, string])[] = [
    [
      { kind: 'same', ...about, files: [file('same')], reload: { kind: 'none' } },
      ...([0, 'dhcpd: nothing to do: 1 host, 2 networks\n', ''] as const),
    ],
    [
      {
        ...{ kind: 'written', ...about, files: [file('same'), file('new'), file('changed')] },
        reload: { kind: 'done', action: 'restart', words, output: '' },
      },
      0,
      'dhcpd: /etc/new: created\ndhcpd: /etc/changed: written\ndhcpd: 1 host, 2 networks\ndhcpd: restart: done\n',
      '',
    ],
    [
      {
        ...{ kind: 'written', ...about, size: undefined, files: [file('changed')], problems: [problem('web1: odd')] },
        reload: {
          kind: 'failed',
          action: 'reload',
          words,
          error: new StokerError('COMMAND_FAILED', 'sh', 'exit code 7'),
        },
      },
      1,
      'dhcpd: /etc/changed: written\n',
      'stoker: dhcpd: web1: odd\nstoker: dhcpd: reload failed, and the next render tries again: exit code 7\n',
    ],
    [
      { kind: 'same', ...about, files: [], reload: { kind: 'pending', action: 'reload', words } },
      0,
      'dhcpd: nothing to do: 1 host, 2 networks\ndhcpd: reload is pending; the next render does it\n',
      '',
    ],
    [
      { kind: 'would-change', ...about, files: [file('changed')], action: 'restart' },
      10,
      'dhcpd: /etc/changed: would be written\ndhcpd: 1 host, 2 networks\ndhcpd: the service would restart\n',
      '',
    ],
    [
      { kind: 'kept', name: 'dhcpd', reason: 'down', problems: [], error: down, last },
      ...([4, '', 'stoker: dhcpd: warehouse ldap: ^[[31mrefused; the live files stay, as of 2 h 5 min ago\n'] as const),
    ],
    [
      { kind: 'kept', name: 'dhcpd', reason: 'down', problems: [], error: down, last: undefined },
      3,
      '',
      'stoker: dhcpd: warehouse ldap: ^[[31mrefused; there are no live files which the service could start with\n',
    ],
    [
      { kind: 'refused', name: 'dhcpd', problems: [], error: refusal, last },
      1,
      '',
      `stoker: dhcpd: /etc/x: not put in place: dhcpd refuses it:\n  line 3: bad
stoker: dhcpd: the live files stay, as of 2 h 5 min ago\n`,
    ],
  ]
  for (const [result, code, out, err] of cases) {
    t.strictSame(formatResult(result, NOW), { out, err })
    t.equal(exitCodeOfRender(result), code)
    const json = JSON.parse(formatResultJson(result, code))
    t.match(json, { kind: result.kind, render: 'dhcpd', exit: code, problems: result.problems })
  }
  const config = new StokerError('CONFIG', 'x', 'wrong')
  t.equal(exitCodeOfRender({ kind: 'refused', name: 'x', problems: [], error: config, last }), 2)
})

t.test('the first problems are told, and how many there are more', async t => {
  const problems = Array.from({ length: 30 }, (_, i) => problem(`host ${i}`))
  const { err } = formatResult({ kind: 'same', ...about, problems, files: [], reload: { kind: 'none' } }, NOW)
  t.match(err, /host 19\nstoker: dhcpd: and 10 more \(--json has all\)\n$/)
})

t.test('a command with a script in it is no reading, as JSON neither', async t => {
  const reload = { kind: 'done', action: 'restart', words, output: 'hello' } as const
  const json = JSON.parse(formatResultJson({ kind: 'same', ...about, files: [], reload }, 0))
  t.match(json.reload, { command: 'sh -c ... stoker isc-dhcp-server restart' })
})

t.test('data which is suddenly gone is doubted, and what is gone step by step is not', async t => {
  const size = (hosts: number, networks = 1) => ({ hosts, networks })
  for (const [before, now, share, reason] of [
    [size(10), size(5), 0.5, undefined],
    [size(10), size(4), 0.5, 'shrunk'],
    [size(1), size(0), 1, 'empty'],
    [size(10, 2), size(10, 0), 1, 'empty'],
    [size(10), size(1), 1, undefined],
    [size(10), size(9), 0, 'shrunk'],
    [size(0, 0), size(0, 0), 0, undefined],
    [size(2), size(100), 0, undefined],
    [undefined, size(0, 0), 1, 'empty'],
    [undefined, size(0, 1), 1, undefined],
  ] as const)
    t.equal(checkShrink(before, now, share)?.reason, reason, `${before?.hosts} -> ${now.hosts} at ${share}`)
})
