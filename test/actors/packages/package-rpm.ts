/** dnf and zypper, which Debian has too: they work on an rpm database of their own, in a Debian root. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { packages } from '../../../actors/packages/package.ts'
import { compareVersions, isVersion } from '../../../actors/packages/versions.ts'
import { type ConvergentHost, convergentContract, runOn } from '../../fixtures/contracts/convergent.ts'
import { planOf, told } from '../../fixtures/program/plan.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, startRoots } from '../../fixtures/roots/roots.ts'

t.test('versions are in the order of rpm', async t => {
  for (const order of [
    ['1.0', '1.1', '1.10', '2', '10'],
    ['1.0~rc1', '1.0', '1.0^git1', '1.0.1'],
    ['1.0a', '1.0b', '1.0.1'],
    ['9-1', '1:1-1', '1:1-2', '1:1-10', '2:0.1-1'],
    ['5.14.0-362', '5.14.0-362.8.1', '5.14.0-427'],
    ['1.001', '1.2', '1.010'],
  ])
    t.strictSame(order.toReversed().sort(compareVersions), order)
  t.equal(compareVersions('1.05', '1.5'), 0)
})

t.test('a version is meant with or without its epoch and revision', async t => {
  for (const [wanted, meant] of [
    ['1:1.22.1-9', true],
    ['1.22.1-9', true],
    ['1.22.1', true],
    ['1:1.22.1', true],
    ['1.22.*', true],
    ['1.22*', true],
    ['*-9', true],
    ['1.22', false],
    ['1.22.1-', false],
    ['1x22.1', false],
  ] as const)
    t.equal(isVersion('1:1.22.1-9', wanted), meant, wanted)
})

t.test('what zypper tells becomes a plan', async t => {
  const seen = `= manager
zypper
= installed
nginx|installed|1.21.5-150400.1.8
virtual|provided|
= available
S  | Name  | Type    | Version           | Arch   | Repository
---+-------+---------+-------------------+--------+---------------------
i+ | nginx | package | 1.21.5-150400.1.8 | x86_64 | (System Packages)
v  | nginx | package | 1.21.5-150600.10.9.1 | x86_64 | Update repository
v  | nginx | package | 1.21.5-150600.8.1 | x86_64 | Main Repository (OSS)
   | cron  | package | 4.2-150600.1.1    | x86_64 | Main Repository (OSS)
= age
60
`
  for (const [options, expected] of [
    [{ name: 'nginx, virtual' }, ['converged']],
    [
      { name: 'nginx, cron', state: 'latest', recommends: false },
      [
        'upgrade nginx 1.21.5-150400.1.8 -> 1.21.5-150600.10.9.1, install cron 4.2-150600.1.1',
        'pm install --auto-agree-with-licenses --no-recommends -- nginx cron',
      ],
    ],
    [
      { name: 'nginx=1.21.5-150600.8*' },
      [
        'change nginx 1.21.5-150400.1.8 -> 1.21.5-150600.8.1',
        'pm install --auto-agree-with-licenses --oldpackage -- nginx=1.21.5-150600.8.1',
      ],
    ],
    [{ name: 'nginx, cron', state: 'absent' }, ['remove nginx', 'pm remove -- nginx']],
  ] as const)
    t.strictSame(told(await planOf(packages, options, seen)), expected, JSON.stringify(options))
})

const spec = (name: string, version: string, release: string) => {
  const [, epoch, plain] = /^(?:(\d+):)?(.*)$/.exec(version) ?? []
  return `Name: ${name}
${epoch === undefined ? '' : `Epoch: ${epoch}`}
Version: ${plain}
Release: ${release}
Summary: made for a test
License: none
BuildArch: noarch
Provides: virtual-${name}
%description
made for a test
%install
mkdir -p %{buildroot}/etc
echo ${version} >%{buildroot}/etc/${name}.conf
%files
%config(noreplace) /etc/${name}.conf
`
}

t.test('in a real root', async t => {
  if (!needRoots(t)) return
  const roots = await startRoots({ count: 1 })
  t.teardown(() => roots[Symbol.asyncDispose]())
  const hosts = rootHosts(roots, 'node1') as [ConvergentHost, ConvergentHost]
  const [host] = hosts
  const folder = roots.folder('node1')
  const sh = async (line: string) => {
    const { code, stdout, stderr } = await roots.exec('node1', `export DEBIAN_FRONTEND=noninteractive; ${line}`)
    if (code !== 0) throw new Error(`${line}: ${stderr}`)
    return stdout.trim()
  }
  await sh('apt-get -qq -y -o Dpkg::Use-Pty=0 install dnf zypper rpm createrepo-c >/dev/null')
  for (const path of ['srv/rpms', 'srv/specs', 'etc/rpm', 'etc/yum.repos.d', 'etc/zypp/repos.d'])
    await mkdir(join(folder, path), { recursive: true })
  // Debian's rpm has its database in the home of who calls it; libzypp, and all others, have it here.
  await writeFile(join(folder, 'etc/rpm/macros'), '%_dbpath /var/lib/rpm\n')
  const repository = '[local]\nname=local\nbaseurl=file:///srv/rpms\nenabled=1\ngpgcheck=0\n'
  await writeFile(join(folder, 'etc/yum.repos.d/local.repo'), repository)
  await writeFile(join(folder, 'etc/zypp/repos.d/local.repo'), repository)
  const all = [
    ['demo', '1.0', '1'],
    ['demo', '1.1', '1'],
    ['demo', '1.1', '2'],
    ['other', '2:0.9', '1'],
    ['kept', '1', '1'],
  ] as const
  for (const one of all)
    await writeFile(join(folder, 'srv/specs', `${one.join('-')}.spec`), spec(one[0], one[1], one[2]))
  await sh(
    'for s in /srv/specs/*; do rpmbuild -bb --quiet --define "_rpmdir /srv/rpms" "$s" 2>/srv/log || exit; done; createrepo_c -q /srv/rpms',
  )
  // zypper cannot take the last package of all away, where there is no system of packages.
  await sh('rpm --nodeps -i /srv/rpms/noarch/kept-1-1.noarch.rpm')

  for (const manager of ['dnf', 'zypper']) {
    const installed = (sh: (line: string) => Promise<string>) =>
      sh("rpm -qa --qf '%{NAME} %{EVR}\\n' demo other | sort")
    await convergentContract(
      t,
      packages,
      [
        {
          title: `${manager} brings packages and takes them away`,
          watch: ['/etc'],
          before: ({ sh }) => sh('rpm -e demo other 2>/dev/null; touch /etc/yum.repos.d /etc/zypp/repos.d'),
          options: () => ({ manager, name: 'demo, other=0.9' }),
          after: async (t, { sh }) => t.equal(await installed(sh), 'demo 1.1-2\nother 2:0.9-1\n'),
          reverse: () => ({ manager, name: ['demo', 'other'], state: 'absent' }),
          reversed: async (t, { sh }) => t.equal(await installed(sh), ''),
        },
        {
          title: `${manager} goes back to a version, and up to the newest`,
          watch: ['/etc'],
          before: ({ sh }) => sh('rpm -i /srv/rpms/noarch/demo-1.1-2.noarch.rpm'),
          options: () => ({ manager, name: 'demo', version: '1.0' }),
          after: async (t, { sh }) => t.equal(await installed(sh), 'demo 1.0-1\n'),
          reverse: () => ({ manager, name: 'demo', state: 'latest' }),
          reversed: async (t, { sh }) => t.equal(await installed(sh), 'demo 1.1-2\n'),
        },
      ],
      hosts,
    )

    t.test(`${manager}: a name which something provides is there; an unknown one is told`, async t => {
      t.match((await runOn(packages, { manager, name: 'virtual-demo' }, host)).outcome, { kind: 'ok', changed: false })
      t.match((await runOn(packages, { manager, name: 'no-such-thing' }, host)).outcome, {
        kind: 'failed',
        error: {
          message: /no-such-thing \(unknown so far\): .*(Unable to find a match|No provider of).*no-such-thing/,
        },
      })
    })
  }
})
