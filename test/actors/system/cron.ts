import t from 'tap'
import { cron, cronFile } from '../../../actors/system/cron.ts'
import { quote } from '../../../src/base/quote.ts'
import {
  type ConvergentCase,
  type ConvergentHost,
  convergentContract,
  localHost,
  runOn,
} from '../../fixtures/contracts/convergent.ts'
import { busyboxHosts } from '../../fixtures/roots/busybox.ts'
import { rootHosts } from '../../fixtures/roots/root-hosts.ts'
import { needRoots, startRoots } from '../../fixtures/roots/roots.ts'

const job = { name: 'backup', schedule: '30 4 * * *', command: 'true' }

t.test('the file is what cron reads, and the command what sh gets', async t => {
  const { schedule, command, user, environment } = cron.parse({
    ...job,
    command: `date +%F >"/tmp/it's $(x) \`y\` %%"`,
    user: 'www-data',
    environment: { PATH: '/usr/bin:/bin', MAILTO: '', A: `it's`, B: 'say "x"' },
  })
  t.equal(
    cronFile({ schedule, command, user, environment }),
    [
      '# Written by stoker; changes by hand are lost.',
      'PATH="/usr/bin:/bin"',
      'MAILTO=""',
      `A="it's"`,
      `B='say "x"'`,
      `30 4 * * * www-data date +\\%F >"/tmp/it's $(x) \`y\` \\%\\%"`,
      '',
    ].join('\n'),
  )
})

t.test('the environment can be given as lines', async t => {
  t.strictSame(cron.parse({ ...job, environment: 'A=1\nB=x=y\n' }).environment, { A: '1', B: 'x=y' })
})

t.test('wrong options are named', async t => {
  for (const [more, message] of [
    [{ name: 'a.b' }, /option "name": expected letters.*cron passes over/],
    [{ name: '../x' }, /option "name"/],
    [{ schedule: '61 * * * *' }, /option "schedule": minute "61"/],
    [{ command: '' }, /option "command": is empty/],
    [{ command: 'a\nb' }, /option "command": is more than one line/],
    [{ command: 'date +\\%F' }, /option "command": write % without a backslash/],
    [{ command: 'date +\\\\\\%F' }, /option "command": write % without a backslash/],
    [{ command: 'x'.repeat(999) }, /option "command": is longer than the 998 bytes/],
    [{ user: 'root root' }, /option "user"/],
    [{ user: '' }, /option "user"/],
    [{ environment: { 'A B': 'x' } }, /option "environment/],
    [{ environment: { A: `'"` } }, /option "environment\.A": cron cannot hold/],
    [{ environment: 'A' }, /option "environment": expected lines such as/],
    [{ scedule: '@daily' }, /did you mean "schedule"/],
  ] as const)
    t.throws(() => cron.parse({ ...job, ...more }), { code: 'ACTOR_OPTION', message }, JSON.stringify(more))
  t.throws(() => cron.parse({ name: 'x', command: 'x' }), { message: /option "schedule": is missing$/ })
  t.throws(() => cron.parse({ name: 'x', schedule: '@daily' }), { message: /option "command": is missing$/ })
  t.doesNotThrow(() => cron.parse({ name: 'x', state: 'absent' }))
  t.doesNotThrow(() => cron.parse({ ...job, command: 'printf \\\\%s' }), 'two backslashes are a backslash')
})

t.test('without cron, a check tells what is missing and applying fails with it', async t => {
  const host = localHost(t)
  const folder = `${await host.folder()}/none`
  const checked = await runOn(cron, { ...job, folder }, host, { apply: false })
  t.match(checked, { outcome: { kind: 'ok', changed: true }, stdout: /write the job, once cron is there/ })
  const { outcome } = await runOn(cron, { ...job, folder }, host)
  t.match(outcome, { kind: 'failed', error: { message: /there is no folder .*; is cron installed\?/ } })
  t.match((await runOn(cron, { ...job, folder, state: 'absent' }, host)).outcome, { kind: 'ok', changed: false })
})

const cases: readonly ConvergentCase[] = [
  {
    title: 'a job',
    options: ({ folder }) => ({ ...job, folder, command: `printf '%s' "ü $(x)"` }),
    after: async (t, { folder, sh }) => {
      t.match(await sh(`cat ${folder}/backup`), `30 4 * * * root printf '\\%s' "ü $(x)"\n`)
    },
    reverse: ({ folder }) => ({ name: 'backup', folder, state: 'absent' }),
    reversed: async (t, { sh, folder }) => t.equal(await sh(`ls -A ${folder}`), ''),
  },
  {
    title: 'a file which cron would not read: another owner, writable by others',
    before: async ({ folder, host, sh }) => {
      await runOn(cron, { ...job, folder }, host)
      await sh(`chmod 666 ${folder}/backup; chown 1:1 ${folder}/backup`)
    },
    options: ({ folder }) => ({ ...job, folder }),
    after: async (t, { sh, folder }) => t.equal((await sh(`stat -c '%a %u %g' ${folder}/backup`)).trim(), '644 0 0'),
  },
  {
    title: 'a symbolic link in the place of the file',
    before: ({ sh, folder }) => sh(`echo keep >${folder}/other; ln -s other ${folder}/backup`),
    options: ({ folder }) => ({ ...job, folder }),
    after: async (t, { sh, folder }) => {
      t.equal(await sh(`cat ${folder}/other`), 'keep\n')
      t.equal(await sh(`stat -c %F ${folder}/backup`), 'regular file\n')
    },
  },
]
t.test('the exam of convergent actors, and what cron itself makes of a job', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: 1 })
  const [ssh, inside] = rootHosts(roots, 'node1') as [ConvergentHost, ConvergentHost]
  await convergentContract(t, cron, cases, [ssh, inside, ...(await busyboxHosts(t))])
  const ready = 'apt-get -qq update && apt-get -qq install -y cron && mkfifo /srv/told && chmod 666 /srv/told'
  const { code, stderr } = await roots.exec('node1', ready)
  if (code !== 0) throw new Error(`cron cannot be installed: ${stderr}`)
  const odd = `100%'s "q" $HOME \`x\` %% ü`
  const plain = '100% $HOME `x` ü'
  const command = `printf '[%s]' ${quote(odd)} "$ODD" "$(id -un)" >/srv/told`
  await runOn(cron, { name: 'now', schedule: '@reboot', command, user: 'nobody', environment: { ODD: plain } }, ssh)
  const again = 'pkill -x cron; rm -f /run/crond.*; cron; timeout 30 cat /srv/told; pkill -x cron'
  t.equal((await roots.exec('node1', again)).stdout, `[${odd}][${plain}][nobody]`)
})
