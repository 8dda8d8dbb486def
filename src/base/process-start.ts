/** When a process began: together with its number that tells it from a later one of the same number. */
import { readFile } from 'node:fs/promises'

/** In clock ticks since the machine's start (proc(5), `stat`); `undefined` when there is no such process, or it has ended. */
export const startOf = async (pid: number | string): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '') // gone: that is the answer
  // The program's name stands in brackets, and may have spaces and brackets itself. Z, X: it has ended.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' || state === 'X' ? undefined : fields[18]
}
