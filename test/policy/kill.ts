/**
 * Ends applies at random moments: the tool with SIGKILL, the target's sshd with SIGKILL, the target itself as a power cut
 * does. Four targets at a time, each with a kill of its own.
 */
import { watch } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type Started, startStoker, stoker } from '../fixtures/cli.ts'
import { needRoots, type Roots, startRoots } from '../fixtures/roots.ts'

const NAMES = ['web1', 'web2', 'web3', 'web4']
const ROUNDS = 9
const SMALL = 12
/** Bytes of each large file: too many for one packet, few enough for many rounds. */
const LARGE = 3 << 20
const FOLDER = '/srv/app'

/** All bytes of a file tell of which version it is. */
const content = (version: number, size: number): Buffer => {
  const bytes = Buffer.alloc(size, letter(version))
  bytes.write('\n', size - 1)
  return bytes
}
const letter = (version: number): string => String.fromCharCode(0x41 + version)

/** The version of a file; `undefined` when it is not whole. */
const versionOf = (bytes: Buffer, size: number): number | undefined => {
  const version = (bytes[0] ?? 0) - 0x41
  return bytes.equals(content(version, size)) ? version : undefined
}

/** Both handlers note what they found, and when they began and ended: which of the calls were whole, and on what. */
const handler = (name: string): string =>
  `echo begin >>${FOLDER}/${name}.log; cat ${FOLDER}/data/* | sha256sum >>${FOLDER}/${name}.log; sleep 0.02; echo end >>${FOLDER}/${name}.log`

const POLICY = `
name: killed
targets: web[1-4]
variables: {version: 0}
resources:
  - file: {path: ${FOLDER}/data, state: directory}
${Array.from(
  { length: SMALL },
  (_, i) => `  - file: {path: ${FOLDER}/data/small${i}, source: small}
    notify: ${i % 2 === 0 ? 'even' : '[even, odd]'}
`,
).join('')}
  - file: {path: ${FOLDER}/data/large1, source: large}
    notify: even
  - line: {path: ${FOLDER}/data/lines, line: "version={{vars.version}}", match: "^version=", create: true}
    notify: odd
  - file: {path: ${FOLDER}/data/large2, source: large}
    notify: odd
  - file: {path: ${FOLDER}/data/link, target: "{{vars.version}}"}
  - command: {command: ${JSON.stringify(handler('even'))}}
    name: even
  - command: {command: ${JSON.stringify(handler('odd'))}}
    name: odd
`

t.test('killed at any moment: no half file, the next apply completes, and what is owed is done once', async t => {
  if (!needRoots(t)) return
  await using roots = await startRoots({ count: NAMES.length, names: n => `web${n}` })
  const { config } = roots
  const folder = t.testdir({})
  await mkdir(join(folder, 'files'))
  const prepare = async (version: number): Promise<void> => {
    await writeFile(join(folder, 'policy.yaml'), POLICY.replace('version: 0', `version: ${version}`))
    await writeFile(join(folder, 'files/small'), content(version, 2000))
    await writeFile(join(folder, 'files/large'), content(version, LARGE))
  }
  const at = (name: string, path: string) => join(roots.folder(name), FOLDER, path)
  const sizeOf = (file: string) => (file.startsWith('large') ? LARGE : 2000)
  const isNumbered = (file: string) => /^(small|large)\d+$/.test(file)

  await prepare(0)
  const first = await stoker(['apply', folder], { config })
  t.match(first, { code: 0 }, first.stdout + first.stderr)
  const quiet = await processes(roots)
  for (const name of NAMES) for (const log of LOGS) await writeFile(at(name, log), '')
  const hits = { killed: 0, interrupted: 0 }

  for (let round = 1; round <= ROUNDS; round++) {
    await prepare(round)
    const turn = await Promise.all(
      NAMES.map(async (name, index) => {
        const kind = KINDS[(round + index) % KINDS.length] as (typeof KINDS)[number]
        const running = startStoker(['apply', folder, name, '--json'], { config })
        const told = await moment(running, at(name, 'data'), async file => {
          if (!isNumbered(file)) return
          const bytes = await readFile(at(name, `data/${file}`))
          const version = versionOf(bytes, sizeOf(file))
          if (version !== round && version !== round - 1) t.fail(`${name}: ${file} is seen half-written`)
        })
        const ended = running.process.exitCode !== null
        if (kind === 'tool') running.process.kill('SIGKILL')
        else if (kind === 'sshd') await roots.killSshd(name)
        else await roots.reboot(name)
        const { code } = await running.ended
        if (!ended && code !== 0) hits.killed += 1
        return { name, what: `round ${round}: ${kind} on ${name}, ${told}` }
      }),
    )
    for (const { name, what } of turn) {
      t.same(await left(roots, name, quiet), [], `${what}: nothing goes on`)
      for (const file of (await readdir(at(name, 'data'))).filter(isNumbered)) {
        const version = versionOf(await readFile(at(name, `data/${file}`)), sizeOf(file))
        if (version !== round && version !== round - 1) t.fail(`${what}: ${file} is half-written`)
      }
    }
    const again = await stoker(['apply', folder], { config })
    t.match(again, { code: 0 }, again.stdout + again.stderr)
    for (const { name, what } of turn) {
      for (const file of await readdir(at(name, 'data')))
        if (isNumbered(file) && versionOf(await readFile(at(name, `data/${file}`)), sizeOf(file)) !== round)
          t.fail(`${what}: ${file} was left as it was`)
      t.equal(await readFile(at(name, 'data/lines'), 'utf8'), `version=${round}\n`, what)
      const { stdout: state } = await roots.exec(name, `cat ${FOLDER}/data/* | sha256sum`)
      for (const log of LOGS) {
        const text = await readFile(at(name, log), 'utf8')
        const whole = text.match(/^begin\n.*\nend\n/gm) ?? []
        t.equal(whole.length, 1, `${what}: ${log} is called once to its end:\n${text}`)
        t.ok(text.endsWith(`begin\n${state}end\n`), `${what}: and after the last change`)
        if (text !== whole[0]) hits.interrupted += 1
        await writeFile(at(name, log), '')
      }
      const { stdout } = await roots.exec(name, `ls -A /var/lib/stoker/pending/killed; find ${FOLDER} -name '*stoker*'`)
      t.equal(stdout, '', `${what}: nothing is left behind`)
    }
  }
  const last = await stoker(['apply', folder], { config })
  t.match(last, { code: 0, stdout: '' })
  t.notMatch(last.stderr, /changed/)
  t.comment(`${hits.killed} of ${ROUNDS * NAMES.length} were killed before their end, ${hits.interrupted} calls half-way`)
  t.ok(hits.killed >= 30, `${hits.killed} were killed before their end`)
})

const KINDS = ['tool', 'sshd', 'tool', 'sshd', 'power'] as const
const LOGS = ['even.log', 'odd.log']
