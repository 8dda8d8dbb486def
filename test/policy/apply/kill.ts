/**
 * Ends applies at random moments: the tool with SIGKILL, the target's sshd with SIGKILL, the target itself as a power cut
 * does. Four targets at a time, each with a kill of its own.
 */
import { watch } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type Started, startStoker, stoker } from '../../fixtures/program/cli.ts'
import { needRoots, type Roots, startRoots } from '../../fixtures/roots/roots.ts'
import { type Random, seeded } from '../../fixtures/seeded.ts'
import { until } from '../../fixtures/until.ts'

const NAMES = ['web1', 'web2', 'web3', 'web4']
/** How many are to be killed before their end; some moments come too late. */
const KILLS = 20
const MOST_ROUNDS = 12
const SMALL = 8
/** Bytes of each large file: too many for one packet, few enough for many rounds. */
const LARGE = 2 << 20
const FOLDER = '/srv/app'
const LOGS = ['even.log', 'odd.log']

/** What is killed. */
type Kind = 'tool' | 'sshd' | 'power'

interface Killed {
  readonly name: string
  readonly kind: Kind
  /** For messages. */
  readonly what: string
}

/** Prints the names of what may be left, and removes it: nobody is there to do so when the power is cut. */
const LEFTOVERS = `cd /var/lib/stoker/pending/killed && ls -A && rm -f .[!.]*; cd ${FOLDER} && find . -name '.stoker*' -print -delete`

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
  - file: {path: ${FOLDER}/link, target: "{{vars.version}}"}
  - command: {command: ${JSON.stringify(handler('even'))}}
    name: even
  - command: {command: ${JSON.stringify(handler('odd'))}}
    name: odd
`

/** Waits for a moment which chance chooses, or the end; `see` is given the names of files as they change. What it waited for. */
const moment = async (
  running: Started,
  name: string,
  folder: string,
  random: Random,
  see: (file: string) => Promise<void>,
): Promise<string> => {
  const chosen = Promise.withResolvers<void>()
  const among = (most: number) => 1 + random.below(most)
  const [lines, changes, calls] = [among(14), among(80), among(6)]
  const waitsFor = (['lines', 'changes', 'changes', 'calls'] as const)[among(4) - 1]
  let seen = 0
  const watchers = [folder, join(folder, '..')].map((path, isAbove) =>
    watch(path, (_, file) => {
      const isLog = LOGS.includes(file ?? '')
      if (isAbove === 0 && file !== null) void see(file)
      if (waitsFor === 'changes' && isAbove === 0 && ++seen === changes) chosen.resolve()
      if (waitsFor === 'calls' && isLog && ++seen === calls) chosen.resolve()
    }),
  )
  const told = running
    .says(text => waitsFor === 'lines' && text.split(`"resource","node":"${name}"`).length > lines)
    .catch(() => {})
  await Promise.race([chosen.promise, told, running.ended])
  for (const watcher of watchers) watcher.close()
  return `after ${{ lines, changes, calls }[waitsFor ?? 'lines']} ${waitsFor}`
}

/** The command lines which run in the roots. */
const processes = async (roots: Roots): Promise<ReadonlySet<string>> =>
  new Set((await Promise.all(NAMES.map(name => commands(roots, name)))).flat())

const commands = async (roots: Roots, name: string): Promise<readonly string[]> => {
  const { stdout } = await roots.exec(name, 'exec ps -ww -eo args=')
  return stdout
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !/^ps |sshd.*\[listener\]/.test(line))
}

/** Waits until nothing runs there beside the quiet ones. */
const calm = (roots: Roots, name: string, quiet: ReadonlySet<string>): Promise<true> =>
  until(`nothing else runs on ${name}`, async () => (await commands(roots, name)).every(line => quiet.has(line)))

t.test('killed at any moment: no half file, the next apply completes, and pending handlers run', async t => {
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
  const random = seeded(t)
  const hits = { rounds: 0, killed: 0, interrupted: 0, twice: 0, left: 0 }

  for (let round = 1; round <= MOST_ROUNDS && hits.killed < KILLS; round++) {
    hits.rounds = round
    await prepare(round)
    /** Applies to these targets, and kills at a moment of each one's own. */
    const killed = async (names: readonly string[], kinds: readonly Kind[]): Promise<readonly Killed[]> => {
      const running = startStoker(['apply', folder, names.join(','), '--json'], { config })
      const wounds = names.map(async (name, index) => {
        const kind = kinds[index % kinds.length] as Kind
        const told = await moment(running, name, at(name, 'data'), random, async file => {
          if (!isNumbered(file)) return
          const bytes = await readFile(at(name, `data/${file}`)).catch(() => undefined) // the power was cut meanwhile
          const version = bytes && versionOf(bytes, sizeOf(file))
          if (bytes && version !== round && version !== round - 1) t.fail(`${name}: ${file} is seen half-written`)
        })
        if (kind === 'tool') running.process.kill('SIGKILL')
        else if (kind === 'sshd') await roots.killSshd(name)
        else await roots.reboot(name)
        return { name, kind, what: `round ${round}: ${kind} on ${name}, ${told}` }
      })
      const { stdout } = await running.ended
      for (const name of names)
        if (!new RegExp(`^{"kind":"finished","node":"${name}","outcome":"ok"`, 'm').test(stdout)) hits.killed += 1
      return await Promise.all(wounds)
    }
    // Who kills the tool needs one for each target; those who kill targets can share it.
    const turn =
      round % 2 === 0
        ? (await Promise.all(NAMES.map(name => killed([name], ['tool'])))).flat()
        : await killed(NAMES, round % 4 === 1 ? ['sshd'] : ['sshd', 'power', 'sshd'])
    for (const { name, what } of turn) {
      t.ok(await calm(roots, name, quiet), `${what}: nothing goes on`)
      for (const file of (await readdir(at(name, 'data'))).filter(isNumbered)) {
        const version = versionOf(await readFile(at(name, `data/${file}`)), sizeOf(file))
        if (version !== round && version !== round - 1) t.fail(`${what}: ${file} is half-written`)
      }
    }
    const again = await stoker(['apply', folder], { config })
    t.match(again, { code: 0 }, again.stdout + again.stderr)
    for (const { name, kind, what } of turn) {
      for (const file of await readdir(at(name, 'data')))
        if (isNumbered(file) && versionOf(await readFile(at(name, `data/${file}`)), sizeOf(file)) !== round)
          t.fail(`${what}: ${file} was left as it was`)
      t.equal(await readFile(at(name, 'data/lines'), 'utf8'), `version=${round}\n`, what)
      const { stdout: state } = await roots.exec(name, `cat ${FOLDER}/data/* | sha256sum`)
      for (const log of LOGS) {
        const text = await readFile(at(name, log), 'utf8')
        const whole = text.match(/^begin\n.*\nend\n/gm) ?? []
        t.ok([1, 2].includes(whole.length), `${what}: ${log} is called to its end:\n${text}`)
        t.ok(text.endsWith(`begin\n${state}end\n`), `${what}: and after the last change`)
        if (whole.length > 1) hits.twice += 1
        if (text !== whole.join('')) hits.interrupted += 1
        await writeFile(at(name, log), '')
      }
      const { stdout } = await roots.exec(name, LEFTOVERS)
      t.notMatch(stdout, /^[^.]/m, `${what}: nothing is pending`)
      if (kind !== 'power') hits.left += stdout.match(/^\./gm)?.length ?? 0
    }
  }
  const last = await stoker(['apply', folder], { config })
  t.match(last, { code: 0, stdout: /^$/ })
  t.notMatch(last.stderr, /changed/)
  t.comment(
    `${hits.killed} of ${hits.rounds * NAMES.length} were killed before their end, ${hits.interrupted} calls half-way, ${hits.twice} between the end and the note of it`,
  )
  // What is not done in the time it is given, such as a sync on a busy disk, is ended with its file where it was.
  t.ok(hits.left <= hits.killed / 5, `${hits.left} half files were left beside their places`)
  // Between a call's end and the note of it there is a moment; that is all there is.
  t.ok(hits.twice <= hits.killed / 5, `${hits.twice} handlers were called twice`)
  t.ok(hits.killed >= KILLS, `${hits.killed} were killed before their end`)
})
