/** What of a tree has to be sent, and what put right. Pure. */

import { StokerError } from '../../../src/base/errors.ts'
import { type Mode, modeFrom } from '../../../src/config/file-mode.ts'
import type { ActualTree, Attributes, Found } from './probe.ts'
import { lengthOf } from './sparse.ts'
import { type Entry, printable } from './tree.ts'

export interface DesiredEntry {
  /** Permission bits of files, and with leave to enter of folders; or how to change the source's; default: those. */
  readonly mode?: Mode | undefined
  /** Names or numbers. */
  readonly owner?: string | undefined
  readonly group?: string | undefined
  /** Whether what is not in the source goes. */
  readonly delete: boolean
  /** Whether files get the times of the source. */
  readonly times: boolean
}

export interface CopyPlan {
  /** Files and links whose content is not there. */
  readonly send: readonly Exclude<Entry, { readonly kind: 'folder' }>[]
  /** Those of them which arrived before a connection broke, and are only to be put in place; they are not in `send`. */
  readonly take: readonly Exclude<Entry, { readonly kind: 'folder' }>[]
  /** Names of the others which arrived then, and are not wanted. */
  readonly drop: readonly string[]
  /** Folders which are not there. */
  readonly make: readonly string[]
  /** Names by the permission bits which they shall get. */
  readonly modes: ReadonlyMap<number, readonly string[]>
  /** Names which shall get the owner and the group. */
  readonly own: readonly string[]
  /** Names with their times, of files which do not bring them: those which are there, and sparse ones. */
  readonly times: readonly (readonly [number, string])[]
  /** Names which shall go. */
  readonly remove: readonly string[]
}

/** The size of the files which have to be sent, without their holes. */
export const bytesToSend = ({ send }: CopyPlan): number =>
  send.reduce((all, entry) => all + (entry.kind === 'file' ? (entry.data ? lengthOf(entry.data) : entry.size) : 0), 0)

/** The permission bits which an entry shall have; of a link there are none. */
export const modeOf = (entry: Exclude<Entry, { readonly kind: 'link' }>, mode: Mode | undefined): number => {
  if (typeof mode !== 'number') return modeFrom(mode ?? [], entry.mode & 0o7777, entry.kind === 'folder')
  return entry.kind === 'folder' ? mode | ((mode & 0o444) >> 2) : mode
}

/** Throws `ACTOR_FAILED` when something of another kind is in the way. */
export const planCopy = (
  entries: readonly Entry[],
  { found, all, kept }: ActualTree,
  wanted: DesiredEntry,
): CopyPlan => {
  const send: Exclude<Entry, { readonly kind: 'folder' }>[] = []
  const make: string[] = []
  const own: string[] = []
  const times: (readonly [number, string])[] = []
  const modes = new Map<number, string[]>()
  const setMode = (mode: number, name: string) => {
    const names = modes.get(mode)
    if (names) names.push(name)
    else modes.set(mode, [name])
  }
  const arrived = new Map(kept.map(one => [one.name, one]))
  for (const [i, entry] of entries.entries()) {
    const actual = found[i] as Found
    const isThere = holds(entry, actual)
    // A folder which is there may be /etc: it stays as it is.
    if (entry.kind === 'folder' && isThere) continue
    if (entry.kind === 'folder') make.push(entry.name)
    else if (!isThere) send.push(entry)
    const attributes = isThere && 'attributes' in actual ? actual.attributes : undefined
    // What is sent has its mode and owner before it is put in place.
    const isSet = entry.kind !== 'folder' && !isThere
    const isGiven = !isSet && !isOwned(attributes, wanted)
    if (isGiven) own.push(entry.name)
    const isOld = isThere ? entry.kind === 'file' && attributes?.mtime !== entry.mtime : needsTime(entry, arrived)
    if (wanted.times && entry.kind === 'file' && isOld) times.push([entry.mtime, entry.name])
    if (isSet || entry.kind === 'link') continue
    const mode = modeOf(entry, wanted.mode)
    // Giving a file away takes its set-user-id bit from it.
    const isSpoilt = isGiven && mode > 0o777
    if (attributes === undefined || attributes.mode !== mode || isSpoilt) setMode(mode, entry.name)
  }
  const names = new Set(entries.map(entry => entry.name))
  const extra = wanted.delete ? all.filter(name => !names.has(name)) : []
  const gone = new Set(extra)
  // What is in a folder which goes, goes with it.
  const remove = extra.filter(name => !gone.has(name.slice(0, name.lastIndexOf('/'))))
  const isArrived = (entry: Entry) => {
    const one = arrived.get(entry.name)
    return entry.kind === 'file' && one?.sha256 === entry.sha256 && one.mode === (modeOf(entry, wanted.mode) & 0o777)
  }
  const take = send.filter(isArrived)
  const taken = new Set(take.map(({ name }) => name))
  const drop = kept.map(({ name }) => name).filter(name => !taken.has(name))
  return { send: send.filter(entry => !taken.has(entry.name)), take, drop, make, modes, own, times, remove }
}

/** Whether a file which is not there comes without its time: the archive has those of others. */
const needsTime = (entry: Entry, arrived: ReadonlyMap<string, unknown>): boolean =>
  entry.kind === 'file' && (entry.data !== undefined || arrived.has(entry.name))

/** Whether the entry's content is there. */
const holds = (entry: Entry, actual: Found): boolean => {
  if (actual.kind === 'nothing') return false
  if (entry.kind === 'folder' || actual.kind === 'folder' || actual.kind === 'other') {
    if (entry.kind === actual.kind) return true
    const what = { file: 'a file', link: 'a link', folder: 'a folder', other: 'something else', nothing: '' }
    throw new StokerError(
      'ACTOR_FAILED',
      printable(entry.name),
      `${printable(entry.name)} is ${what[actual.kind]} there, and ${what[entry.kind]} here; nothing was changed: name another dest, or move it aside`,
    )
  }
  if (entry.kind === 'link') return actual.kind === 'link' && actual.to === entry.to
  return actual.kind === 'file' && actual.sha256 === entry.sha256
}

const isOwned = (actual: Attributes | undefined, { owner, group }: DesiredEntry): boolean => {
  if (owner === undefined && group === undefined) return true
  if (!actual) return false
  return (owner === undefined || actual.owner.includes(owner)) && (group === undefined || actual.group.includes(group))
}
