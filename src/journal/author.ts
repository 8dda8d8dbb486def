/** Who writes a journal: one without an end may be of a run which still goes on. */
import { readFileSync } from 'node:fs'

/** This process, by its number, when it began, and the boot of this machine; empty where there is no /proc to say so. */
export const thisAuthor = (): string => authorOf(process.pid) ?? ''

/** The number of the process when that one still lives; `undefined` also when it belongs to another machine. */
export const living = (author: string | undefined): number | undefined => {
  const pid = Number.parseInt(author ?? '', 10)
  return author && authorOf(pid) === author ? pid : undefined
}

const authorOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The program's name stands in brackets, and may have spaces and brackets itself. Z, X: it has ended.
    const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return 'ZX'.includes(state) ? undefined : `${pid} ${fields[18]} ${boot}`
  } catch {
    return undefined // there is no such process, or no /proc
  }
}
