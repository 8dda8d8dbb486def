/** The copy of one warehouse on disk. */
import type { Abortable } from '../../base/abortable.ts'
import { type Batch, merged } from './copy.ts'
import { readCopy, writeCopy } from './copy-file.ts'
import { formatCopy, parseCopy } from './copy-text.ts'

export interface StoreOptions {
  readonly file: string
  readonly warehouse: string
  /** Called when there is a file which cannot be used. */
  readonly notice: (text: string) => void
  readonly now: () => number
}

export type Store = ReturnType<typeof copyStore>

/** Clocks of machines which share a home folder differ a little. */
const CLOCK_SKEW = 60_000

export const copyStore = ({ file, warehouse, notice, now }: StoreOptions) => {
  let reading: Promise<readonly Batch[]> | undefined

  const load = async (io: Abortable): Promise<readonly Batch[]> => {
    try {
      const text = await readCopy(file, io)
      const batches = text === undefined ? [] : parseCopy(text, warehouse)
      if (batches.some(({ at }) => at > now() + CLOCK_SKEW))
        throw new Error('it is from the future; is the clock right?')
      return batches
    } catch (thrown) {
      io.signal.throwIfAborted()
      notice(`warehouse ${warehouse}: its copy ${file} is not used: ${messageOf(thrown)}`)
      return []
    }
  }

  return {
    /** The batches, the newest first; none where there is no file, or one which is not fit. Read once. */
    read(io: Abortable): Promise<readonly Batch[]> {
      reading ??= load(io).catch(thrown => {
        reading = undefined
        throw thrown
      })
      return reading
    },
    /** Puts a batch in front; of what is on disk by now, that which is not older than `oldest` stays. */
    async add(batch: Batch, oldest: number): Promise<void> {
      try {
        const older = await load({ signal: new AbortController().signal })
        await writeCopy(
          file,
          formatCopy(
            merged(
              batch,
              older.filter(({ at }) => at > oldest),
            ),
            warehouse,
          ),
        )
      } catch (thrown) {
        notice(`warehouse ${warehouse}: no copy of it can be kept: ${messageOf(thrown)}`)
      }
    },
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
