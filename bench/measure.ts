/** Runs a program to its end and tells what it cost on this machine, the processes it started and waited for included. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** A program with its arguments, and what is added to its environment. */
export interface Program {
  readonly argv: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
  /** How many lines it has to write on its standard output; one which writes others has not done the work. */
  readonly lines: number
}

/** Seconds. */
export interface Cost {
  readonly wall: number
  /** User and system time together. */
  readonly cpu: number
}

/** Throws when the program fails or does not write the lines it has to. */
export const measure = async (program: Program): Promise<Cost> => {
  const child = spawn('bash', ['-c', TIMED, 'bash', ...program.argv], {
    env: environment(program),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const times = textOf(child, 3)
  await finished(child, program)
  const [wall = Number.NaN, user = Number.NaN, system = Number.NaN] = (await times).trim().split(' ').map(Number)
  return { wall, cpu: user + system }
}

// The shell's own clock counts the children which were waited for, theirs too, and is exact to the millisecond.
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" 2>&4 3>&- 4>&-; } 4>&2 2>&3'

/**
 * The most memory that the program and its descendants held at one moment, in bytes: the resident set of the program
 * itself, and of its descendants, which share much among each other, their proportional share. Looking costs time; this
 * is not to be mixed with `measure`.
 */
export const peakMemory = async (program: Program): Promise<number> => {
  const [command, ...args] = program.argv
  const child = spawn(command, args, { env: environment(program), stdio: ['ignore', 'pipe', 'pipe'] })
  const over = new AbortController()
  const end = finished(child, program).finally(() => over.abort())
  let peak = 0
  while (!over.signal.aborted) {
    peak = Math.max(peak, treeMemory(child.pid ?? 0))
    await delay(LOOK_MS, undefined, over).catch(() => {}) // it has ended
  }
  await end
  return peak
}

const LOOK_MS = 50

const treeMemory = (root: number): number =>
  descendants(root).reduce(
    (sum, pid) => sum + kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss'),
    kilobytes(`/proc/${root}/status`, 'VmHWM'),
  ) * 1024

const descendants = (root: number): readonly number[] => {
  const found = [root]
  for (const pid of found)
    for (const thread of ifThere(() => readdirSync(`/proc/${pid}/task`), [])) {
      const children = ifThere(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'), '')
      found.push(...children.split(' ').filter(Boolean).map(Number))
    }
  return found.slice(1)
}

const kilobytes = (file: string, key: string): number =>
  Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(ifThere(() => readFileSync(file, 'utf8'), ''))?.[1] ?? 0)

const ifThere = <T>(read: () => T, otherwise: T): T => {
  try {
    return read()
  } catch {
    return otherwise // the process ended meanwhile
  }
}

/** Nobody's agent, settings or language: the same for all. */
const environment = ({ env }: Program): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  LC_ALL: 'C',
  ...env,
})

const finished = async (child: ChildProcess, { argv, lines }: Program): Promise<void> => {
  let seen = 0
  child.stdout?.on('data', (data: Buffer) => {
    for (const byte of data) if (byte === 0x0a) seen += 1
  })
  const complaints = textOf(child, 2)
  const [code] = await once(child, 'close')
  if (code === 0 && seen === lines) return
  const command = argv.slice(0, 3).join(' ')
  throw new Error(
    `${command} ...: exit code ${code}, ${seen} lines instead of ${lines}\n${(await complaints).slice(-2000)}`,
  )
}

const textOf = async (child: ChildProcess, descriptor: 2 | 3): Promise<string> => {
  let text = ''
  for await (const data of child.stdio[descriptor] as AsyncIterable<Buffer>) text += data
  return text
}
