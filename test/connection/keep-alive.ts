import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { listProcesses } from '../../src/lab/processes.ts'
import { startStoker } from '../fixtures/program/cli.ts'
import { configWith, jump } from '../fixtures/servers/bastions.ts'
import { need } from '../fixtures/servers/debian.ts'
import { type FleetTarget, needFleet, startFleet } from '../fixtures/servers/sshd.ts'

/** Stops or wakes the processes of a target's sshd, all but the one which listens: its kernel answers, and nobody else does. */
const signalSessions = async ({ pid }: FleetTarget, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> => {
  const children = Map.groupBy(await listProcesses(), ({ parent }) => parent)
  const found = [...(children.get(pid) ?? [])]
  for (const { pid } of found) found.push(...(children.get(pid) ?? []))
  const sessions = found.filter(({ command }) => command.startsWith('sshd'))
  if (sessions.length === 0) throw new Error('there is no session')
  for (const { pid } of sessions) process.kill(pid, signal)
}

t.test('a peer which is gone without a word is noticed under a long quiet command', async t => {
  if (!needFleet(t) || !need(t, 'ssh', 'openssh-client')) return
  await using fleet = await startFleet({ count: 4, names: n => ['gone', 'quiet', 'behind', 'gate'][n - 1] ?? '' })
  const [gone, quiet, , gate] = fleet.targets as [FleetTarget, FleetTarget, FleetTarget, FleetTarget]
  const soon = 'Host *\n  ServerAliveInterval 1\n  ServerAliveCountMax 2\n'
  const config = await configWith(fleet, jump('behind', gate) + soon)

  for (const [kind, names, stopped] of [
    ['ssh', ['gone', 'quiet'], gone],
    ['openssh', ['gone', 'quiet'], gone],
    ['ssh', ['behind', 'quiet'], gate],
  ] as const)
    await t.test(`${names[0]}, by ${kind}; one which is only quiet is left alone`, async t => {
      const go = join(quiet.folder, `go-${kind}-${names[0]}`)
      const line = `echo up; case $HOME in ${quiet.folder}) until [ -e ${go} ]; do sleep 0.1; done;; *) sleep 600;; esac`
      const words = ['run', '--connection', kind, 'shell', names.join(), '--json', '-n', '--', line]
      const run = startStoker(words, { config })
      await run.says(text => text.split('"text":"up').length > names.length)
      await signalSessions(stopped, 'SIGSTOP')
      await run.says(new RegExp(`"kind":"finished","node":"${names[0]}"`))
      await writeFile(go, '')
      const ended = await run.ended
      const finished = ended.stdout
        .trim()
        .split('\n')
        .map(text => JSON.parse(text))
        .filter(({ kind }) => kind === 'finished')
      t.match(Object.fromEntries(finished.map(one => [one.node, one])), {
        [names[0]]: { outcome: 'failed', error: { code: 'CONNECTION_LOST' } },
        quiet: { outcome: 'ok' },
      })
      await signalSessions(stopped, 'SIGCONT')
      t.ok(await fleet.gone('sleep 600'), 'when it wakes up, the command is ended')
    })
})
