/** `stoker complete`: names for a shell's completion. */
import { standardSinks } from '../report/sink.ts'
import { openSite } from '../site/site.ts'

/** Milliseconds: somebody has pressed a key and waits. */
const DEADLINE = 1_500

/**
 * Prints names, one a line: of all actions, or of all groups, with `@` in front. What is not known in time is left out, and
 * nothing is told about it: there is no place for that in the middle of a command line. Returns the exit code.
 */
export const complete = async (what: 'actions' | 'groups', flags: { readonly config?: string }): Promise<number> => {
  const { stdout } = standardSinks()
  const timeout = AbortSignal.timeout(DEADLINE)
  const io = { signal: AbortSignal.any([timeout, stdout.gone]) }
  await using site = await openSite(flags, () => {}, io)
  const lists =
    what === 'actions'
      ? [[...site.actions]]
      : await Promise.all(
          site.warehouses.map(async warehouse => {
            // One which is down knows nothing now; the others do.
            const list = Array.fromAsync(warehouse.groups?.(io) ?? []).catch(() => [])
            return (await inTime(list, timeout)).map(group => `@${group}`)
          }),
        )
  const names = [...new Set(lists.flat())].filter(name => isPlain(name)).sort()
  await stdout.write(names.map(name => `${name}\n`).join(''))
  await stdout.flush()
  return 0
}

const inTime = <T>(list: Promise<readonly T[]>, timeout: AbortSignal): Promise<readonly T[]> =>
  Promise.race([
    list,
    new Promise<readonly T[]>(resolve => timeout.addEventListener('abort', () => resolve([]), { once: true })),
  ])

/** Whether it can stand in a line of any shell as it is. */
const isPlain = (name: string): boolean => /^@?[\p{L}\p{N}_][\p{L}\p{N}_.:+%=/-]*$/u.test(name)
