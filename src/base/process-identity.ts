/**
 * Which process it was which left something behind: its number, when it began, and the machine on which that number counts, in
 * a few characters which can stand in a file's name. A later process of the same number is another one.
 */
import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What has become of a process; `elsewhere`: it is one of another machine or container, which cannot be asked. */
export type Fate = 'running' | 'ended' | 'elsewhere'

/** This process: `1234-567890-0a1b2c3d`. Where there is no /proc, the middle part is empty. */
export const processId = (): string => `${process.pid}-${startOf(process.pid) ?? ''}-${scope()}`

/** The number in an id; `undefined` when the text is none. */
export const pidOf = (id: string): number | undefined => parsed(id)?.pid

/** What has become of the process of that id; `undefined` when the text is no id. */
export const fateOf = (id: string): Fate | undefined => {
  const one = parsed(id)
  if (!one) return undefined
  if (one.scope !== scope()) return 'elsewhere'
  return isRunning(one.pid, one.start) ? 'running' : 'ended'
}

/** Whether there is a process of that number, which began then if that is given. One which cannot be looked at counts as it. */
export const isRunning = (pid: number, start = ''): boolean => {
  const stat = statOf(pid)
  // Z, X: it has ended, and nobody has asked yet how.
  if (stat) return !'ZX'.includes(stat.state) && (start === '' || stat.start === start)
  try {
    // No /proc, as on macOS, or one which hides other users' processes (proc(5), hidepid).
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** In clock ticks since the machine's start (proc(5), `stat`); `undefined` when there is no such process, or no /proc. */
export const startOf = (pid: number): string | undefined => statOf(pid)?.start

/** This boot of this machine; empty where there is no /proc. */
export const bootId = (): string => textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())

const ID = /^([1-9]\d{0,9})-(\d*)-([0-9a-f]{8})$/

const parsed = (id: string): { readonly pid: number; readonly start: string; readonly scope: string } | undefined => {
  const [, pid, start = '', scope = ''] = ID.exec(id) ?? []
  return pid === undefined ? undefined : { pid: Number(pid), start, scope }
}

const statOf = (pid: number): { readonly state: string; readonly start: string } | undefined => {
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // The program's name stands in brackets, and may have spaces and brackets itself.
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return stat === '' ? undefined : { state, start: fields[18] ?? '' }
}

let ownScope: string | undefined

/** Where numbers of processes mean the same: in one boot, and in one container (pid_namespaces(7)). */
const scope = (): string => {
  ownScope ??= createHash('sha256')
    .update(JSON.stringify([bootId() || hostname(), textOf(() => readlinkSync('/proc/self/ns/pid'))]))
    .digest('hex')
    .slice(0, 8)
  return ownScope
}

const textOf = (read: () => string): string => {
  try {
    return read()
  } catch {
    return '' // no such process, or no /proc
  }
}
