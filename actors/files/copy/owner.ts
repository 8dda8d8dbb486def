/** Giving files away on the target. Pure. */
import { quote } from '../../../src/base/quote.ts'

/** Names or numbers. */
export interface Owner {
  readonly owner?: string | undefined
  readonly group?: string | undefined
}

/** Shell which finds out before all is sent whether a new file or folder can be given away, and takes it back. */
export const tryOwner = (path: string, { owner, group }: Owner): readonly string[] => {
  const who = ownership({ owner, group })
  return who === undefined ? [] : [`chown ${who} ${path} && chown "$(id -u):$(id -g)" ${path} || exit`]
}

/** The word which chown takes; `undefined` when neither is wanted. */
export const ownership = ({ owner, group }: Owner): string | undefined =>
  owner === undefined && group === undefined
    ? undefined
    : quote(`${owner ?? ''}${group === undefined ? '' : `:${group}`}`)
