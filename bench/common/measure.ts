/** Runs a program to its end and tells what it cost on this machine, the processes it started and waited for included. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { childrenOf, type Look, peakMemory } from '../push/memory.ts'

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
export const measure = async (program: Program): Promise<Cost> => (await watched(program)).cost

/** The same, and the most memory it held with all its descendants, in bytes. Looking costs time as well. */
export const measureMemory = async (program: Program, look: Look): Promise<Cost & { readonly memory: number }> => {
  const { cost, memory } = await watched(program, look)
  return { ...cost, memory }
}

const watched = async (program: Program, look?: Look): Promise<{ cost: Cost; memory: number }> => {
  const child = spawn('bash', ['-c', TIMED, 'bash', ...program.argv], {
    env: environment(program),
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const over = new AbortController()
  const times = textOf(child, 3)
  const end = finished(child, program).finally(() => over.abort())
  const peak = look ? peakMemory(() => childrenOf(child.pid ?? 0)[0], look, over) : 0
  await end
  const [wall = Number.NaN, user = Number.NaN, system = Number.NaN] = (await times).trim().split(' ').map(Number)
  return { cost: { wall, cpu: user + system }, memory: await peak }
}

// The shell's own clock counts the children which were waited for, theirs too, and is exact to the millisecond.
const TIMED = 'TIMEFORMAT="%3R %3U %3S"; { time "$@" 2>&4 3>&- 4>&-; } 4>&2 2>&3'

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
