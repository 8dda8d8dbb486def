/** New files in place of the live ones: all of them found good by their daemons, or none is touched. */
import type { Abortable } from '../../base/abortable.ts'
import { type Candidates, writeCandidates } from './candidate.ts'
import type { Compared } from './compare.ts'
import type { Action, Size } from './result.ts'
import { keeping, type State } from './state.ts'
import { validate } from './validate.ts'
import { keepVersion } from './versions.ts'

export interface InstallOptions extends Abortable {
  readonly state: State
  /** What the service has to be told of these changes. */
  readonly asks: Action | 'none'
  /** What is in the files which are live now, where that is known. */
  readonly size: Size | undefined
  readonly now: Date
  readonly say: (notice: string) => void
}

/**
 * Only asks the daemons; the candidates are gone when this returns. Throws `RENDER_FAILED`. Where this user may not write,
 * it says so instead, and nobody is asked.
 */
export const tryOut = async (
  files: readonly Compared[],
  { say, signal }: Pick<InstallOptions, 'say' | 'signal'>,
): Promise<void> => {
  let opened: Candidates
  try {
    opened = await writeCandidates(changed(files), say, { signal })
  } catch (thrown) {
    const { code } = ((thrown as Error).cause ?? {}) as NodeJS.ErrnoException
    if (!['EACCES', 'EPERM', 'EROFS'].includes(code ?? '')) throw thrown
    return say(`not checked by the daemon: ${(thrown as Error).message}`)
  }
  await using candidates = opened
  await validate(candidates.list, { signal })
}

/**
 * Puts the files in place which differ. What has to be told to the service is owed, on disk, before the first of them: a
 * crash in between loses neither a version nor a reload. From there on no abort is heard. Throws `RENDER_FAILED`.
 */
export const install = async (files: readonly Compared[], options: InstallOptions): Promise<void> => {
  const { state, asks, size, now, say, signal } = options
  await using candidates: Candidates = await writeCandidates(changed(files), say, { signal })
  await validate(candidates.list, { signal })
  signal.throwIfAborted()
  await keeping(state.folder, () => keepVersion(state.folder, files, { at: now, size }))
  if (asks !== 'none') await state.owe(asks)
  await candidates.swap()
}

const changed = (files: readonly Compared[]): readonly Compared[] => files.filter(({ isSame }) => !isSame)
