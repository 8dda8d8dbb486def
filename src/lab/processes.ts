/** Finds and ends processes by what is in their environment: it stays with them wherever they fork to. Linux's /proc only. */
import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'

/** A process of this machine. */
export interface ProcessInfo {
  readonly pid: number
  readonly parent: number
  /** Its arguments, joined by blanks. */
  readonly command: string
  /** Its environment when it was started: `NAME=value` each. Empty where this user may not read it. */
  readonly environment: readonly string[]
}

/** All processes which have a command line: kernel threads and zombies are left out. Without a /proc: none. */
export const listProcesses = async (): Promise<readonly ProcessInfo[]> => {
  const names = await readdir('/proc').catch(() => []) // no /proc, as on macOS
  const found = await Promise.all(names.filter(name => /^\d+$/.test(name)).map(readProcess))
  return found.filter(info => info !== undefined)
}

/** The processes with an environment entry that starts with `entry`, such as `HOME=/some/folder/`. */
export const processesWith = async (entry: string): Promise<readonly ProcessInfo[]> =>
  (await listProcesses()).filter(info => info.environment.some(text => text.startsWith(entry)))

/** Kills them, until several looks in a row find none: a process may fork, and end, while it is looked for. */
export const killAllWith = async (entry: string): Promise<void> => {
  const wanted = `\0${entry}`
  // What the kernel cannot end at once, as in an unfinished disk access, must not keep us for ever.
  for (let [round, empty] = [0, 0]; round < 200 && empty < 3; round++) {
    const found = pidsNow().filter(pid => environmentNow(pid).includes(wanted))
    for (const pid of found) kill(pid, 'SIGKILL')
    empty = found.length === 0 ? empty + 1 : 0
    await setImmediate()
  }
}

// Without a promise for each: the shorter the look, the less escapes it. Another user's environment is no text to us.
const pidsNow = (): readonly number[] =>
  ifThere(() => readdirSync('/proc'), [])
    .map(Number)
    .filter(Number.isInteger)
const environmentNow = (pid: number): string => `\0${ifThere(() => readFileSync(`/proc/${pid}/environ`, 'utf8'), '')}`

const ifThere = <T>(read: () => T, otherwise: T): T => {
  try {
    return read()
  } catch {
    return otherwise // ended meanwhile, or not for us to see
  }
}

/** Sends a signal to a process, or to a group when `pid` is negative; one which is gone already is fine. */
export const kill = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

const readProcess = async (name: string): Promise<ProcessInfo | undefined> => {
  try {
    const [stat, command] = await Promise.all([text(name, 'stat'), text(name, 'cmdline')])
    if (command === '') return undefined
    // The second field is the program's name in parentheses, which may hold blanks and parentheses; the parent is the fourth.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    const environment = await text(name, 'environ').catch(() => '') // another user's
    return {
      pid: Number(name),
      parent,
      command: command.split('\0').join(' ').trim(),
      environment: environment.split('\0'),
    }
  } catch {
    return undefined // it ended while it was being looked at
  }
}

const text = (name: string, file: string): Promise<string> => readFile(`/proc/${name}/${file}`, 'utf8')
