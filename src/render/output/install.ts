/** New files in place of the live ones: all of them found good by their daemons, or none is touched. */
import type { Abortable } from '../../base/abortable.ts'
import { type Candidates, writeCandidates } from './candidate.ts'
import type { Compared } from './compare.ts'
import { type RenderState, withStateErrors } from './render-state.ts'
import type { Action, Size } from './result.ts'
import { validate } from './validate.ts'
import { keepVersion } from './versions.ts'

export interface InstallOptions extends Abortable {
  readonly state: RenderState
  /** What the service has to do for these changes. */
  readonly action: Action | 'none'
  /** What is in the files which are live now, where that is known. */
  readonly size: Size | undefined
  readonly now: Date
  readonly warn: (notice: string) => void
}

/**
 * Only asks the daemons; the candidates are gone when this returns. Throws `RENDER_FAILED`. Where this user may not write,
 * it warns instead, and no daemon is asked.
 */
export const checkCandidates = async (
  files: readonly Compared[],
  { warn, signal }: Pick<InstallOptions, 'warn' | 'signal'>,
): Promise<void> => {
  let opened: Candidates
  try {
    opened = await writeCandidates(changed(files), warn, { signal })
  } catch (thrown) {
    const { code } = ((thrown as Error).cause ?? {}) as NodeJS.ErrnoException
    if (!['EACCES', 'EPERM', 'EROFS'].includes(code ?? '')) throw thrown
    return warn(`not checked by the daemon: ${(thrown as Error).message}`)
  }
  await using candidates = opened
  await validate(candidates.list, { signal })
}

/**
 * Puts the files in place which differ. The service's action is recorded, on disk, before the first of them: a
 * crash in between loses neither a version nor a reload. From there on no abort is heard. Throws `RENDER_FAILED`.
 */
export const install = async (files: readonly Compared[], options: InstallOptions): Promise<void> => {
  const { state, action, size, now, warn, signal } = options
  await using candidates: Candidates = await writeCandidates(changed(files), warn, { signal })
  await validate(candidates.list, { signal })
  signal.throwIfAborted()
  await withStateErrors(state.folder, () => keepVersion(state.folder, files, { at: now, size }))
  if (action !== 'none') await state.recordReload(action)
  await candidates.swap()
}

const changed = (files: readonly Compared[]): readonly Compared[] => files.filter(({ isSame }) => !isSame)
