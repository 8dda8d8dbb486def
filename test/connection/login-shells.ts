/**
 * Every actor on accounts with every login shell, whose start-up files talk: over ssh, openssh, and as root. What an actor does
 * does not depend on the shell; one which is fit for nothing is told by one clear message.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { becomingConnector } from '../../src/connection/become/become.ts'
import { becomePassword } from '../../src/connection/become/password.ts'
import type { Connector } from '../../src/connection/connection.ts'
import { sourcesIn } from '../../src/converge/materials.ts'
import type { Actor } from '../../src/run/actor.ts'
import { ACTORS } from '../../src/site/built-in.ts'
import { act, target } from '../fixtures/program/act.ts'
import { account } from '../fixtures/servers/account.ts'
import { needBecome, plainConnector, startBecomeFleet } from '../fixtures/servers/become.ts'
import { findProgram } from '../fixtures/servers/debian.ts'
import { opensshConnectorOf } from '../fixtures/servers/openssh.ts'
import type { FleetTarget } from '../fixtures/servers/sshd.ts'

/** Each with the file which it reads at its start, and whether it takes csh's syntax. */
const SHELLS = [
  ['dash', ''],
  ['bash', '.bashrc'],
  ['zsh', '.zshenv'],
  ['bsd-csh', '.cshrc'],
  ['tcsh', '.tcshrc'],
  ['fish', '.config/fish/config.fish'],
  ['mksh', ''],
  ['busybox', ''],
] as const

/** A banner, escape codes, a complaint, and no newline at the end. */
const NOISE = `echo 'Welcome to this machine: 4711'; printf '\\033[1mbold\\033[0m'; sh -c 'echo complaint >&2; printf "no end" >&2'\n`

/** What is done, `@` standing for a folder of the target's own; `check` where nothing of this machine may be changed. */
type Case = readonly [actor: string, argument: string | Readonly<Record<string, string>>, check?: 'check']

const casesOf = (here: string): readonly Case[] => [
  ['shell', 'echo out; exit 3'],
  ['shell', "printf '%s|' 'a b' \"c'd\" '*'"],
  ['script', `${here}/script 'a b' "c\\"d" \\$HOME`],
  ['copy', { source: `${here}/file`, dest: '@/copied' }],
  ['copy', { source: `${here}/tree`, dest: '@/tree/' }],
  ['file', { path: '@/made', content: "it's !one\\n\n$HOME\n", mode: '0640' }],
  ['file', { path: '@/folder', state: 'directory' }],
  ['file', { path: '@/made', state: 'absent' }],
  ['line', { path: '@/copied', line: "added = 'x' !y \\z" }],
  ['block', { path: '@/copied', content: 'one\ntwo!' }],
  ['template', { path: '@/templated', source: `${here}/template.hbs` }],
  ['command', { command: 'echo ran > @/ran', creates: '@/ran' }],
  ['archive', { source: `${here}/archive.tar`, dest: '@/unpacked' }],
  ['git', { repository: `${here}/repository`, dest: '@/clone' }],
  ['wait-for', { path: '@/copied', timeout: '20' }],
  ['reboot-required', {}],
  [
    'authorized-key',
    { user: 'stoker-test', keys: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMxvMkMS7wW1yRzdvxmVQqsu1xuaQ5Qd4ZJ3uO6uQ4Zr' },
    'check',
  ],
  ['cron', { name: 'night', schedule: '0 4 * * *', command: 'true' }, 'check'],
  ['mount', { path: '/mnt', device: '/dev/none', type: 'ext4' }, 'check'],
  ['sysctl', { key: 'vm.swappiness', value: '7' }, 'check'],
  ['package', { name: 'no-such-package-of-ours', state: 'absent' }, 'check'],
  ['service', { name: 'no-such-service-of-ours', state: 'stopped' }, 'check'],
  ['user', { name: 'somebody-new' }, 'check'],
  ['group', { name: 'a-new-group' }, 'check'],
  ['host-entry', { names: 'new.example', address: '192.0.2.1' }, 'check'],
  ['reboot', {}, 'check'],
]

t.test('what actors do does not depend on the login shell', async t => {
  if (!needBecome(t)) return
  t.setTimeout(0)
  const { uid, gid } = await account()
  const here = mkdtempSync(join(tmpdir(), 'stoker-shells-'))
  t.teardown(() => rmSync(here, { recursive: true }))
  chmodSync(here, 0o755)
  writeFileSync(join(here, 'file'), 'a file\n')
  writeFileSync(join(here, 'script'), '#!/bin/sh\nprintf "<%s>" "$@"\n', { mode: 0o755 })
  writeFileSync(join(here, 'template.hbs'), 'node\n')
  mkdirSync(join(here, 'tree/below'), { recursive: true })
  writeFileSync(join(here, "tree/below/it's !odd"), 'odd\n')
  execFileSync('tar', ['-cf', join(here, 'archive.tar'), '-C', here, 'tree'])
  execFileSync('git', ['init', '-q', join(here, 'repository')])
  const git = ['-C', join(here, 'repository'), '-c', 'user.name=x', '-c', 'user.email=x@example.org']
  writeFileSync(join(here, 'repository/file'), 'kept\n')
  execFileSync('git', [...git, 'add', '.'])
  execFileSync('git', [...git, 'commit', '-qm', 'one'])

  const shells = [...SHELLS.filter(([name]) => findProgram(name)), ['rbash', '.bashrc'] as const]
  // Names of one length: a message which is cut is cut at the same place.
  const nameOf = (n: number) => `on-${10 + n}`
  const shellOf = new Map(shells.map(([shell], i) => [nameOf(i + 1), shell]))
  const homeOf = (name: string) => join(here, `home-${name}`)
  const programs = new Map(shells.map(([shell], i) => [nameOf(i + 1), findProgram(shell) ?? '/bin/rbash']))
  for (const [i, [, startUp]] of shells.entries()) {
    const home = homeOf(nameOf(i + 1))
    const file = join(home, startUp)
    mkdirSync(startUp === '' ? home : dirname(file), { recursive: true })
    if (startUp !== '') writeFileSync(file, NOISE)
    chownSync(home, uid, gid)
  }
  // busybox is a shell by the name under which it is called.
  symlinkSync(findProgram('busybox') ?? 'busybox', join(here, 'ash'))
  for (const [name, shell] of shellOf) if (shell === 'busybox') programs.set(name, join(here, 'ash'))
  await using fleet = await startBecomeFleet({
    count: shells.length,
    names: nameOf,
    config: ['ForceCommand none'],
    privilege: name => ({
      sudoers: ['%ACCOUNT% ALL=(ALL:ALL) NOPASSWD: ALL'],
      login: { shell: programs.get(name) ?? '/bin/sh', home: homeOf(name) },
    }),
  })
  await using ssh = await plainConnector(fleet)
  await using openssh = await opensshConnectorOf(fleet)
  const never = async () => Promise.reject(new Error('a password is wanted'))
  const become = { user: 'root', method: 'sudo', password: becomePassword('sudo', never) } as const
  const connectors: Readonly<Record<string, Connector>> = { ssh, openssh, become: becomingConnector(ssh, become) }
  const sources = sourcesIn({ files: here, templates: here, confined: false })
  const { signal } = new AbortController()

  /** How it ended, with messages and without what differs from target to target. */
  const attempt = async (connector: Connector, node: FleetTarget, kind: string, [name, argument, check]: Case) => {
    const folder = join(homeOf(node.name), kind)
    const fill = (text: string) => text.replaceAll('@', folder)
    const filled =
      typeof argument === 'string'
        ? fill(argument)
        : Object.fromEntries(Object.entries(argument).map(([key, value]) => [key, fill(value)]))
    const on = target(node.name, { addresses: [node.address], port: node.port, user: node.user })
    const actor = (await ACTORS[name]?.()) as Actor
    const result = await act(actor, filled, on, {
      apply: check === undefined,
      connect: () => connector.connect(on, { signal }),
      materials: () => sources.materials(on, { facts: async () => Promise.reject(new Error('no facts')) }, { signal }),
    }).catch((error: Error) => ({ thrown: error.message }))
    const message = 'outcome' in result && 'error' in result.outcome ? result.outcome.error.message : undefined
    return JSON.parse(
      JSON.stringify({ ...result, message })
        .replaceAll(folder, '@')
        .replaceAll(node.name, 'NODE')
        .replaceAll(/after [\d.]+ m?s/g, 'after a while'),
    )
  }

  const cases = casesOf(here)
  const others = fleet.targets.slice(1)
  for (const [kind, connector] of Object.entries(connectors))
    await t.test(kind, async t => {
      for (const node of fleet.targets) {
        mkdirSync(join(homeOf(node.name), kind))
        chownSync(join(homeOf(node.name), kind), uid, gid)
      }
      for (const one of cases) {
        const title = `${one[0]} ${JSON.stringify(one[1])}`
        const [expected, ...all] = await Promise.all(fleet.targets.map(node => attempt(connector, node, kind, one)))
        t.notMatch(JSON.stringify(expected), /thrown|Permission|command not found/, title)
        for (const [i, got] of all.entries()) {
          const shell = shellOf.get(others[i]?.name ?? '')
          // What is only told needs no shell.
          if (shell === 'rbash' && one[0] !== 'reboot')
            t.match(JSON.stringify(got), /"message":"[^"]*restricted|"thrown":"[^"]*restricted/, `rbash: ${title}`)
          else t.strictSame(got, expected, `${shell}: ${title}`)
        }
      }
    })
})
