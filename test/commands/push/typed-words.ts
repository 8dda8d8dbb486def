/** Every word list which clush hands to a target unchanged, `stoker run shell` hands on unchanged, too: on a real target. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'
import { seeded } from '../../fixtures/seeded.ts'
import { findProgram, need } from '../../fixtures/servers/debian.ts'
import { needFleet, startFleet } from '../../fixtures/servers/sshd.ts'

t.test('what stands behind the targets is the command, word for word', async t => {
  if (!needFleet(t) || !need(t, 'clush', 'clustershell')) return
  await using fleet = await startFleet({ count: 1 })
  const [target] = fleet.targets
  if (!target) return t.fail('no target')
  const options = [
    ...['Port', String(target.port), 'User', target.user, 'IdentityFile', fleet.identity],
    ...['StrictHostKeyChecking', 'yes', 'UserKnownHostsFile', fleet.knownHosts],
  ]
  const ssh = options.flatMap((word, i) => (i % 2 === 0 ? [`-o ${word}=${options[i + 1]}`] : [])).join(' ')
  const run = promisify(execFile)
  const byClush = async (words: readonly string[]) => {
    const args = ['-N', '-n', '-q', '-o', ssh, '-w', target.address, ...words]
    const { stdout } = await run(findProgram('clush') ?? 'clush', args).catch(error => error as { stdout: string })
    return stdout
  }
  const random = seeded(t)
  const pool = [
    '-l',
    '-la',
    '--',
    '-n',
    '3',
    '--json',
    '-b',
    '--become',
    'root',
    '"a  b"',
    "'c d'",
    '',
    '$HOME',
    "it\\'s",
    '*',
    'x\ny',
    ';',
    'echo',
  ]
  const lists = Array.from({ length: 12 }, () => Array.from({ length: 1 + random.below(6) }, () => random.oneOf(pool)))
  for (const list of [['-n', '3', 'num'], ['-la', '/'], ['--', '--'], ...lists]) {
    // A program which shows its arguments; what comes to it is as the words were.
    const words = ["printf '<%s>'", ...list]
    const ours = await stoker(['run', '-n', '-N', '-q', 'shell', target.name, ...words], { config: fleet.config })
    t.equal(ours.stdout, await byClush(words), JSON.stringify(list))
  }
})
