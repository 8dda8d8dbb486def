import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadSshConfig } from '../../../src/connection/ssh-config/ssh-config.ts'
import { seeded, soak } from '../../fixtures/seeded.ts'
import { need } from '../../fixtures/servers/debian.ts'
import { HOSTS, randomSshConfig } from '../../fixtures/servers/random-ssh-config.ts'
import { askSsh, byMeaning, inItsWords, sshAlgorithms } from '../../fixtures/servers/ssh-g.ts'

const io = { signal: new AbortController().signal }
const ENV = { SSH_AUTH_SOCK: '/run/agent', LANG: 'C', LC_ALL: 'D', LC_TIME: 'E', STOKER_A: 'F' }

const USUAL =
  '~/.ssh/id_rsa,~/.ssh/id_ecdsa,~/.ssh/id_ecdsa_sk,~/.ssh/id_ed25519,~/.ssh/id_ed25519_sk,~/.ssh/id_xmss,~/.ssh/id_dsa'

const agentOf = (text: string | undefined): string | undefined =>
  text === 'none' ? undefined : text === undefined || text === 'SSH_AUTH_SOCK' ? ENV.SSH_AUTH_SOCK : text

t.test('random files mean what they mean to ssh', async t => {
  if (!need(t, 'ssh', 'openssh-client')) return
  const random = seeded(t)
  const algorithms = await sshAlgorithms()
  const { username, homedir: home } = userInfo()
  const files = soak(200, 5000)
  const folder = t.testdir({})
  const cases = Array.from({ length: files }, () => ({
    text: randomSshConfig(random, algorithms, username),
    name: random.oneOf(HOSTS),
    user: random.below(3) === 0 ? 'cli' : undefined,
  }))
  const counts = { files: 0, values: 0, refused: 0 }
  const check = async (n: number, { text, name, user }: (typeof cases)[number]): Promise<void> => {
    const file = join(folder, `config-${n}`)
    writeFileSync(file, text)
    const what = `${user ?? ''}@${name} of ${JSON.stringify(text)}`
    const its = await askSsh(file, name, user, ENV).catch((error: { stderr?: string }) => String(error.stderr))
    const options = { userFile: file, systemFile: '/dev/null', home, env: ENV, warn: () => {} }
    const ours = await loadSshConfig(options, io).then(
      config => config.lookup(name, user),
      (error: Error) => error,
    )
    counts.files++
    if (typeof its === 'string') {
      counts.refused++
      // A jump to itself and the like; what is wrong with the text is refused by both.
      if (!(ours instanceof Error) && /Bad |bad |invalid|unsupported|missing/i.test(its)) t.fail(`${its}: ${what}`)
      return
    }
    if (ours instanceof Error) return void t.fail(`${ours.message}: ${what}`)
    const pairs = [
      ...Object.entries(inItsWords(ours, algorithms)).map(([key, value]) => [key, value, its.get(key)?.join('\n')]),
      ...Object.entries(byMeaning(ours, its, ENV)).map(([key, pair]) => [key, ...pair]),
      ['identityfile', ours.identityFiles?.join() ?? USUAL, its.get('identityfile')?.join()],
      ['certificatefile', ours.certificateFiles.join(), its.get('certificatefile')?.join() ?? ''],
      ['identityagent', ours.identityAgent, agentOf(its.get('identityagent')?.[0])],
    ]
    for (const [keyword, value, expected] of pairs) {
      counts.values++
      if (JSON.stringify(value) !== JSON.stringify(expected)) t.strictSame(value, expected, `${keyword} of ${what}`)
    }
  }
  const waiting = cases.entries()
  const worker = async () => {
    for (const [n, one] of waiting) await check(n, one)
  }
  await Promise.all([worker(), worker()])
  t.equal(counts.files, files)
  t.ok(counts.refused < files / 4, 'most of them are taken by ssh')
  t.comment(`${counts.files} files, ${counts.values} values the same; ${counts.refused} files refused by ssh`)
})
