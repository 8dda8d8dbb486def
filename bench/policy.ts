/**
 * `node bench/policy.ts [--quick] [TARGETS] [ROUNDS]`: a policy of thirty resources on real sshd, by default on a hundred: what
 * it costs when everything has to be made, and when there is nothing to do, beside ansible-playbook with the same resources,
 * targets, forks and key exchange. Ansible is measured as it comes, and as who knows it sets it up (with pipelining); with
 * `--quick` only so, and only with nothing to do. A hundred targets take it many minutes.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fold } from '../src/nodeset/fold.ts'
import { findProgram } from '../test/fixtures/servers/debian.ts'
import type { Fleet } from '../test/fixtures/servers/sshd.ts'
import { machine, machineText } from './common/machine.ts'
import { measure, type Program } from './common/measure.ts'
import { seconds, standingsTable, table } from './common/table.ts'
import { COUNT, type PolicyPair, writePair } from './policy/pair.ts'
import { type Built, build } from './push/build.ts'
import { startTargets } from './push/fleet.ts'
import { type Contestant, contest } from './push/rounds.ts'

const FORKS = 64

/** Whether everything has to be made, or there is nothing to do; who does otherwise has not done the work. */
type Task = 'make' | 'nothing'

interface Work {
  readonly fleet: Fleet
  readonly task: Task
  /** Default: all of the fleet. */
  readonly targets?: Fleet['targets']
}

const stoker = (
  { stoker, cache }: Built,
  { policy }: PolicyPair,
  { fleet, task, targets = fleet.targets }: Work,
): Contestant => ({
  name: 'stoker',
  program: {
    argv: shell(
      `"$@" --quiet --json | grep '"kind":"finished".*"outcome":"ok","changed":${task === 'make'}'`,
      ...[process.execPath, stoker, 'apply', policy, fold(namesOf(targets))],
      ...['--config', fleet.config, '-f', `${FORKS}`, '-t', '120s'],
    ),
    env: { XDG_CACHE_HOME: cache, XDG_STATE_HOME: cache },
    lines: targets.length,
  },
})

/** Connections are shared within a run, as Ansible does by itself, and not with the run before. */
const ansible = (
  pipelining: boolean,
  { playbook, inventory, settings }: PolicyPair,
  { fleet, task, targets = fleet.targets }: Work,
): Contestant => ({
  name: pipelining ? 'ansible, pipelining' : 'ansible',
  program: {
    argv: shell(
      `ANSIBLE_SSH_CONTROL_PATH_DIR=$(mktemp -d); export ANSIBLE_SSH_CONTROL_PATH_DIR; "$@" |
        grep '${task === 'make' ? `changed=${COUNT}` : 'changed=0'} *unreachable=0 *failed=0'`,
      ...['ansible-playbook', '-f', `${FORKS}`, '-i', inventory, '-l', namesOf(targets).join(','), playbook],
    ),
    env: {
      LC_ALL: 'C.UTF-8',
      TMPDIR: fleet.folder,
      ANSIBLE_CONFIG: settings,
      ANSIBLE_HOME: join(fleet.folder, 'ansible'),
      ANSIBLE_PIPELINING: `${pipelining}`,
      ANSIBLE_TIMEOUT: '120',
    },
    lines: targets.length,
  },
})

const shell = (script: string, ...words: readonly string[]): Program['argv'] => ['sh', '-c', script, 'sh', ...words]

const namesOf = (targets: Fleet['targets']): readonly string[] => targets.map(({ name }) => name)

/** How many commands the servers have been asked to run. */
const commands = (fleet: Fleet): number => fleet.log().match(/Starting session: /g)?.length ?? 0

const empty = async (fleet: Fleet): Promise<void> => {
  for (const { folder } of fleet.targets)
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true })
}

const say = (text: string) => void process.stderr.write(`${text}\n`)
const print = (text: string) => void process.stdout.write(`${text}\n\n`)

for (const program of ['sshd', 'ansible-playbook'])
  if (findProgram(program) === undefined)
    throw new Error(`there is no ${program} here: Debian has openssh-server, ansible-core`)
const { values, positionals } = parseArgs({ options: { quick: { type: 'boolean' } }, allowPositionals: true })
const [count = 100, rounds = 3] = positionals.map(Number)
print(machineText(machine()))
const built = await build()
await using fleet = await startTargets({ count, config: ['LogLevel VERBOSE', 'MaxSessions 100'] })
const pair = await writePair(fleet)
const contestants = (task: Task, targets?: Fleet['targets']): readonly [Contestant, ...Contestant[]] => {
  const work = { fleet, task, ...(targets && { targets }) }
  return [stoker(built, pair, work), ansible(true, pair, work), ...(values.quick ? [] : [ansible(false, pair, work)])]
}

const first = fleet.targets.slice(0, 1)
const asked: string[][] = [['commands for one target', 'all to be made', 'nothing to do']]
for (const [i, { name, program }] of contestants('make', first).entries()) {
  say(`commands: ${name}`)
  await empty(fleet)
  const before = commands(fleet)
  await measure(program)
  const between = commands(fleet)
  await measure((contestants('nothing', first)[i] as Contestant).program)
  asked.push([name, ...[between - before, commands(fleet) - between].map(String)])
}
print(table(asked))

const makers = contestants('make')
const rows: string[][] = [['all to be made', 'wall', 'CPU']]
for (const { name, program } of values.quick ? makers.slice(0, 1) : makers) {
  say(`all to be made: ${name}`)
  await empty(fleet)
  const { wall, cpu } = await measure(program)
  rows.push([name, seconds(wall), seconds(cpu)])
}
print(`${COUNT} resources, ${count} targets, ${FORKS} forks\n${table(rows)}`)
const standings = await contest(contestants('nothing'), { rounds, say: text => say(`nothing to do: ${text}`) })
print(`nothing to do\n${standingsTable(standings)}`)
