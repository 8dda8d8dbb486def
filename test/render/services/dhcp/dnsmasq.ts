import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { runCommand } from '../../../../src/render/output/run-command.ts'
import type { RenderedFile } from '../../../../src/render/services/service.ts'
import { findProgram, need } from '../../../fixtures/servers/debian.ts'
import {
  configured,
  freePort,
  host,
  network,
  rendered,
  SITE,
  site,
  templates,
} from '../../../fixtures/sites/render-site.ts'

const linesOf = (files: readonly RenderedFile[], end: string): readonly string[] =>
  (files.find(({ path }) => path.endsWith(end))?.text ?? '')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))

t.test(
  'it is DNS alone unless it is told to be the DHCP server, and only its configuration asks for a restart',
  async t => {
    const dns = await rendered('dnsmasq')
    t.strictSame(
      dns.map(({ path, onChange }) => [path, onChange]),
      [
        ['/etc/dnsmasq.hosts', 'reload'],
        ['/etc/dnsmasq.d/stoker.conf', 'restart'],
      ],
    )
    t.notMatch(dns.map(({ text }) => text).join('\n'), 'dhcp')
    const both = await rendered('dnsmasq', { dhcp: true })
    t.strictSame(
      both.map(({ path, onChange }) => [path, onChange]),
      [
        ['/etc/dnsmasq.dhcp-hosts', 'reload'],
        ['/etc/dnsmasq.dhcp-options', 'reload'],
        ['/etc/dnsmasq.hosts', 'reload'],
        ['/etc/dnsmasq.d/stoker.conf', 'restart'],
      ],
    )
  },
)

t.test('a change of hosts and of what they are told leaves the configuration as it is', async t => {
  const other = site(
    SITE.networks.map(one => ({ ...one, options: [], boot: { file: 'other', nextServer: undefined } })),
    SITE.hosts.slice(0, 3),
  )
  const [before, after] = [await rendered('dnsmasq', { dhcp: true }), await rendered('dnsmasq', { dhcp: true }, other)]
  const changed = before.filter(({ path, text }) => after.find(one => one.path === path)?.text !== text)
  t.strictSame(
    changed.map(({ onChange }) => onChange),
    ['reload', 'reload', 'reload'],
  )
})

t.test(
  'DHCP hosts are lines of identifiers, tags, address and name; what dnsmasq would take for something else is left out',
  async t => {
    const of = site(
      [network('n', '10.1.0.0/16'), network('n6', 'fd00::/64')],
      [
        host('12h', { at: ['10.1.0.1'], macs: ['52:54:00:00:00:01'] }),
        host('infinite', { macs: ['52:54:00:00:00:02'] }),
        host('pair', { at: ['10.1.0.9', '10.1.0.3'], macs: ['52:54:00:00:00:03', '52:54:00:00:00:04'] }),
        host('shared', { at: ['10.1.0.5'], macs: ['52:54:00:00:00:05', '52:54:00:00:00:06'] }),
        host('six', { at: ['fd00::6'], macs: ['52:54:00:00:00:07'] }),
        host('seven', { at: ['fd00::7'], macs: ['52:54:00:00:00:08'], duids: ['00:01:02'] }),
        host('boots', {
          at: ['10.1.0.8', '192.0.2.1'],
          macs: ['52:54:00:00:00:09'],
          boot: { file: 'a,b', nextServer: 'pair' },
        }),
        host('nothing', { at: ['10.1.0.10'] }),
      ],
    )
    const files = await rendered('dnsmasq', { dhcp: true }, of)
    const lines = linesOf(files, 'dhcp-hosts')
    const tag = /set:(opts-\w+)/.exec(lines.join())?.[1] ?? ''
    t.strictSame(lines, [
      '52:54:00:00:00:01,10.1.0.1',
      '52:54:00:00:00:03,10.1.0.9,pair',
      '52:54:00:00:00:04,10.1.0.3,pair',
      '52:54:00:00:00:05,52:54:00:00:00:06,10.1.0.5,shared',
      `52:54:00:00:00:09,set:${tag},10.1.0.8,boots`,
      '52:54:00:00:00:07,[fd00::6],six',
      'id:00:01:02,[fd00::7],seven',
      '52:54:00:00:00:02',
    ])
    t.strictSame(linesOf(files, 'dhcp-options'), [
      `tag:${tag},67,"a,b"`,
      `tag:${tag},66,"pair"`,
      `tag:${tag},255,10.1.0.9`,
    ])
  },
)

t.test('a line which dnsmasq would cut in two is refused and shown', async t => {
  const macs = Array.from({ length: 80 }, (_, i) => `52:54:00:00:00:${(i + 16).toString(16)}`)
  const of = site([network('n', '10.1.0.0/16')], [host('many', { at: ['10.1.0.1'], macs })])
  await t.rejects(rendered('dnsmasq', { dhcp: true }, of), {
    code: 'CONFIG',
    message: /dnsmasq\.dhcp-hosts\.hbs:3: makes a line of more than 1023 bytes, .*: "52:54:00:00:00:10,/,
  })
})

t.test('settings which are wrong are refused by name', async t => {
  for (const [settings, message] of [
    [{ dchp: true }, /dchp: unknown key; did you mean "dhcp"\?/],
    [{ upstream: 'one.example.org' }, /upstream: .*is no IP address/],
    [{ upstream: '10.0.0.1#a' }, /upstream: expected the address of a name server/],
    [{ reload: 'killall' }, /reload: expected the words of a command as a list, or false/],
    [{ 'hosts-file': 'a' }, /hosts-file: expected an absolute path/],
    [{ interfaces: ['a b'] }, /interfaces.*: expected the name of an interface/],
  ] as const)
    await t.rejects(rendered('dnsmasq', settings), { code: 'CONFIG', message })
})

t.test('a site says itself how the service is told, or that it is not', async t => {
  const { reload, restart } = await configured('dnsmasq', { reload: ['true'], restart: false })
  t.strictSame([reload, restart], [['true'], undefined])
})

t.test(
  'dnsmasq answers names and addresses from the files, and others after its hosts file has changed and it was told',
  async t => {
    if (!need(t, 'dnsmasq', 'dnsmasq') || !need(t, 'dig', 'bind9-dnsutils')) return
    await using folder = await mkdtempDisposable(join(tmpdir(), 'stoker-dnsmasq-'))
    await chmod(folder.path, 0o755)
    const port = await freePort()
    const [hostsFile, conf, pidFile] = ['hosts', 'conf', 'pid'].map(name => join(folder.path, name)) as [
      string,
      string,
      string,
    ]
    const service = await configured('dnsmasq', {
      ...{
        'hosts-file': hostsFile,
        output: conf,
        'pid-file': pidFile,
        port,
        listen: '127.0.0.1',
        'bind-interfaces': true,
      },
      ...{ upstream: '127.0.0.9', domain: 'example.org' },
    })
    const write = async (files: readonly RenderedFile[]) => {
      for (const { path, text } of files) await writeFile(path, text)
    }
    await write(await service.files(SITE, templates))
    const words = [
      '--keep-in-foreground',
      `--conf-file=${conf}`,
      `--pid-file=${pidFile}`,
      '--log-facility=-',
      '--user=root',
    ]
    const daemon = spawn(findProgram('dnsmasq') ?? '', words, { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(daemon, 'exit')
    const said = createInterface({ input: daemon.stderr })[Symbol.asyncIterator]()
    const read = async (): Promise<string> => {
      for (;;) {
        const { value, done } = await said.next()
        if (done || /bad (name|address)|read .*hosts/.test(value)) return value ?? 'it ended'
      }
    }
    try {
      t.match(await read(), / - \d+ (names|addresses)/, 'nothing in the file is strange to it')
      const dig = async (...query: string[]) =>
        (
          await runCommand(['dig', '+short', '+tries=1', '+time=5', '@127.0.0.1', '-p', String(port), ...query], {
            signal: AbortSignal.timeout(600_000),
          })
        ).output
          .trim()
          .split('\n')
      for (const [query, expected] of [
        [['web1'], ['10.1.0.10']],
        [['web1.example.org'], ['10.1.0.10']],
        [['www.example.org', 'AAAA'], ['2001:db8:1::10']],
        [['shop.example.org'], ['10.1.0.10', '10.1.0.11']],
        [['-x', '10.1.0.10'], ['web1.example.org.']],
        [['-x', '192.0.2.70'], ['x.lab.example.org.']],
        [['-x', '2001:db8:1::10'], ['web1.example.org.']],
        // Upstream is nobody: an answer, and be it an empty one, comes from here.
        [['no.example.org'], ['']],
        [['-x', '192.0.2.71'], ['']],
      ] as const)
        t.strictSame((await dig(...query)).sort(), expected, query.join(' '))
      const later = site(SITE.networks, [host('new', { at: ['10.1.0.99'] })])
      await write((await service.files(later, templates)).filter(({ onChange }) => onChange === 'reload'))
      t.strictSame(await runCommand(service.reload ?? [], { signal: AbortSignal.timeout(600_000) }), {
        code: 0,
        output: '',
      })
      await read()
      t.strictSame(
        [await dig('new.example.org'), await dig('-x', '10.1.0.99'), await dig('web1')],
        [['10.1.0.99'], ['new.example.org.'], ['']],
      )
    } finally {
      daemon.kill()
      await ended
    }
  },
)
