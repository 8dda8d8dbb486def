/** A render's result for each file. */

import type { Compared } from './compare.ts'
import type { FileResult } from './result.ts'

export const fileResult = ({ file, live, isSame }: Compared): FileResult => ({
  path: file.path,
  change: isSame ? 'same' : live ? 'changed' : 'new',
  onChange: file.onChange,
})

/** The same, with differences; only who wants them pays for them. */
export const withDiffs = async (files: readonly Compared[]): Promise<readonly FileResult[]> => {
  const { unifiedDiff } = await import('../../base/diff.ts')
  return files.map(compared => {
    const { file, live, isSame } = compared
    const diff = isSame ? '' : unifiedDiff(file.path, live?.content.toString(), file.content.toString())
    return { ...fileResult(compared), diff }
  })
}
