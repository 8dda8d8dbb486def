/** Keeps the memory of a run small. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * From now on the part of the heap in which objects begin stays as large as it is. A run begins with many objects at once
 * which live until their targets are done; V8 would take that for a reason to double this part again and again, to 128
 * MiB with a thousand targets, and no run becomes faster by it.
 */
export const holdYoungGeneration = (): void => setFlagsFromString('--semi-space-growth-factor=1')

/** Bytes of large files which may pass before what they left behind is collected. */
const MAX_SPENT = 4 * 1024 * 1024

let spent = 0
let collect: (() => void) | undefined

/**
 * Tells that so many bytes have passed through buffers which nobody needs any more. These lie outside of the heap, where V8
 * lets a hundred MB and more of them pile up before it looks: the young generation is collected in time, which takes a
 * millisecond.
 */
export const spend = (bytes: number): void => {
  spent += bytes
  if (spent < MAX_SPENT) return
  spent = 0
  collect ??= youngCollection()
  collect()
}

const youngCollection = (): (() => void) => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void
  return () => gc({ type: 'minor' })
}
