/** What is missing at a path, between what is wanted and what is there. Pure. */

import { quote } from '../../base/quote.ts'
import { bytesOf, type Content } from '../content.ts'
import type { Change, LookOptions, Plan, Step, TextChange } from '../convergent.ts'
import { type Below, type FileSeen, fileLook, MOST_SHOWN, octal } from './probe.ts'
import {
  type Attributes,
  copyAside,
  makeLink,
  moveAway,
  needFolder,
  run,
  setAttributes,
  setBelow,
  writeFile,
} from './steps.ts'

/** What is wanted at a path. Owner and group are names or numbers, modes are permission bits. */
export interface FileWish extends Attributes {
  /** Absolute, without a slash at its end. */
  readonly path: string
  readonly state: 'present' | 'absent' | 'directory' | 'symlink'
  /** What a present file shall hold; without it, what it holds stays, and a new one is empty. */
  readonly content?: Content | undefined
  /** The same bytes, where they are few enough to be shown. */
  readonly bytes?: Uint8Array | undefined
  /** Where a symbolic link leads to, as it is written in it. */
  readonly target?: string | undefined
  /** What shall hold for everything below a directory. */
  readonly below?: Below | undefined
  /** Whether what is replaced or removed is kept beside, as `NAME.20261231T235959Z~`. */
  readonly backup: boolean
  /** Whether something of another kind, or a directory with all that is in it, may go. */
  readonly force: boolean
  /** Whether the content is hidden in diffs; `undefined`: when others than its owner cannot read the file. */
  readonly secret?: boolean | undefined
}

/** A content as a wish holds it: with its bytes where they are few enough to be shown. */
export const holding = async (content: Content | undefined): Promise<Pick<FileWish, 'content' | 'bytes'>> => ({
  content,
  bytes: content && content.size <= MOST_SHOWN ? await bytesOf(content) : undefined,
})

/** The look which a plan for this wish needs. */
export const lookAtFile = (wish: FileWish, { diff }: LookOptions): string =>
  fileLook({ ...wish, size: wish.content?.size, content: diff && wish.secret !== true && wish.bytes !== undefined })

/** What is to be done. */
export const planFile = (wish: FileWish, seen: FileSeen): Plan => {
  const decided = PLANS[wish.state](wish, seen)
  if (typeof decided === 'string') return { kind: 'impossible', reason: decided }
  return decided.length === 0 ? { kind: 'converged' } : { kind: 'change', changes: decided }
}

type There = Exclude<FileSeen, { readonly kind: 'none' }>
type File = Extract<FileSeen, { readonly kind: 'file' }>

/** The changes, or why it cannot be had. */
type Decision = readonly Change[] | string

const absent = (wish: FileWish, seen: FileSeen): Decision => {
  if (seen.kind === 'none') return []
  if (seen.kind === 'directory' && !seen.empty && !wish.force)
    return 'is a directory, and not empty; with force it goes with all that is in it'
  const all = seen.kind === 'directory' && !seen.empty ? ' and all that is in it' : ''
  return [{ what: `${goes(wish, seen)}${all}`, steps: [remove(wish, seen)] }]
}

const directory = (wish: FileWish, seen: FileSeen): Decision => {
  if (seen.kind === 'directory') {
    const many = seen.deviating === 1 ? '1 thing' : `${seen.deviating} things`
    const below: Change[] =
      wish.below && seen.deviating > 0
        ? [{ what: `owner or mode of ${many} in it`, steps: [setBelow(wish.path, wish.below, wish)] }]
        : []
    return [...attributes(wish, seen), ...below]
  }
  if (seen.kind !== 'none' && !wish.force) return otherKind(seen, 'a directory')
  const steps = [run(`mkdir -p ${quote(wish.path)}`), ...setAttributes(wish.path, wish)]
  return [replacing(wish, seen, `make the directory${told(wish)}`, steps)]
}

const symlink = (wish: FileWish, seen: FileSeen): Decision => {
  const target = wish.target ?? ''
  const steps = [makeLink(wish.path, target), ...setAttributes(wish.path, wish, true)]
  if (seen.kind === 'symlink') {
    if (seen.target === target) return attributes(wish, seen)
    return [{ what: `link to ${seen.target} -> ${target}${told(wish)}`, steps }]
  }
  if (seen.kind !== 'none' && !wish.force) return otherKind(seen, 'a link')
  return [replacing(wish, seen, `link to ${target}${told(wish)}`, steps)]
}

const present = (wish: FileWish, seen: FileSeen): Decision => {
  if (seen.kind === 'file') return contents(wish, seen)
  if (seen.kind === 'symlink' && !wish.content)
    return `is a link to ${seen.target}; name what it leads to, or give a content to replace the link`
  if (seen.kind === 'symlink' && !wish.backup) return [overLink(wish, seen)]
  if (seen.kind !== 'none' && seen.kind !== 'symlink' && !wish.force) return otherKind(seen, 'a file')
  const steps = [
    ...(seen.kind === 'none' && !seen.folder ? [needFolder(wish.path)] : []),
    writeFile(wish.path, wish.content, { ...wish, mode: wish.mode ?? NEW_MODE }),
  ]
  return [{ ...replacing(wish, seen, creation(wish), steps), ...textChange(wish, undefined) }]
}

/** A link is replaced without asking, because what it leads to stays; and by renaming, so that there is no gap. */
const overLink = (wish: FileWish, seen: Extract<FileSeen, { readonly kind: 'symlink' }>): Change => {
  // Without an owner of its own it would get that of what the link leads to.
  const { mode = NEW_MODE, owner = String(seen.me), group } = wish
  const steps = [writeFile(wish.path, wish.content, { mode, owner, group })]
  return { what: `replace ${describe(seen)}, ${creation(wish)}`, steps, ...textChange(wish, undefined) }
}

const creation = (wish: FileWish): string =>
  `create${wish.content ? ` (${wish.content.size} bytes)` : ', empty'}${told(wish)}`

const PLANS = { absent, directory, symlink, present }

/** Permission bits of a new file when none are wished for. */
const NEW_MODE = 0o644

const contents = (wish: FileWish, seen: File): Decision => {
  if (!wish.content || holds(wish.content, wish.bytes, seen)) return attributes(wish, seen)
  // Only root gives files away; for others the new file is their own, as it would be with any editor.
  const kept = seen.me === 0 ? { owner: String(seen.uid), group: String(seen.gid) } : {}
  const write = writeFile(wish.path, wish.content, {
    mode: wish.mode ?? seen.mode,
    owner: wish.owner ?? kept.owner,
    group: wish.group ?? kept.group,
  })
  const what = [
    `content (${seen.size} -> ${wish.content.size} bytes)`,
    ...differing(wish, seen),
    ...(wish.backup ? ['keep a backup'] : []),
  ]
  const steps = wish.backup ? [copyAside(wish.path), write] : [write]
  return [{ what: what.join(', '), steps, ...textChange(wish, seen) }]
}

const holds = (content: Content, bytes: Uint8Array | undefined, seen: File): boolean =>
  seen.content && bytes
    ? Buffer.from(seen.content).equals(bytes)
    : seen.size === content.size && seen.sha256 === content.sha256

/** Mode and owner where they differ, as one change. */
const attributes = (wish: FileWish, seen: There): readonly Change[] => {
  const differ = differing(wish, seen)
  if (differ.length === 0) return []
  // Giving a file away takes its set-user-id bit from it.
  const mode = wish.mode ?? (seen.mode & 0o6000 ? seen.mode : undefined)
  return [{ what: differ.join(', '), steps: setAttributes(wish.path, { ...wish, mode }, seen.kind === 'symlink') }]
}

const differing = ({ owner, group, mode }: FileWish, seen: There): readonly string[] => {
  const sameOwner = owner === undefined || owner === seen.owner || seen.uid === (seen.wanted.uid ?? numeric(owner))
  const sameGroup = group === undefined || group === seen.group || seen.gid === (seen.wanted.gid ?? numeric(group))
  const otherMode = mode !== undefined && mode !== seen.mode && seen.kind !== 'symlink'
  return [
    ...(sameOwner ? [] : [`owner ${seen.owner} -> ${owner}`]),
    ...(sameGroup ? [] : [`group ${seen.group} -> ${group}`]),
    ...(otherMode ? [`mode ${octal(seen.mode)} -> ${octal(mode)}`] : []),
  ]
}

const numeric = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined)

/** The attributes of something new, to be added to what is said of it. */
const told = ({ owner, group, mode, state }: FileWish): string =>
  [
    ...(owner === undefined ? [] : [`, owner ${owner}`]),
    ...(group === undefined ? [] : [`, group ${group}`]),
    ...(mode === undefined || state === 'symlink' ? [] : [`, mode ${octal(mode)}`]),
  ].join('')

/** The diff, where both sides are small enough; it is secret when one of the two is. */
const textChange = (wish: FileWish, seen: File | undefined): { readonly diff?: TextChange } => {
  if (!wish.bytes || (seen && seen.size > MOST_SHOWN)) return {}
  const modes = [wish.mode ?? seen?.mode ?? NEW_MODE, seen?.mode ?? NEW_MODE]
  const secret = wish.secret ?? modes.some(mode => (mode & 0o044) === 0)
  return { diff: { path: wish.path, before: seen?.content, after: wish.bytes, secret } }
}

const otherKind = (seen: There, wanted: string): string =>
  `${describe(seen).replace(/^the /, 'there is a ')}, not ${wanted}; with force it is replaced`

/** A change which first takes away what is there. */
const replacing = (wish: FileWish, seen: FileSeen, what: string, steps: readonly Step[]): Change =>
  seen.kind === 'none'
    ? { what, steps }
    : { what: `${goes(wish, seen)}, ${what}`, steps: [remove(wish, seen), ...steps] }

const goes = ({ backup }: FileWish, seen: There): string => `${backup ? 'move away' : 'remove'} ${describe(seen)}`

const remove = ({ path, backup }: FileWish, seen: There): Step => {
  if (backup) return moveAway(path)
  if (seen.kind !== 'directory') return run(`rm -f ${quote(path)}`)
  return run(`${seen.empty ? 'rmdir' : 'rm -rf'} ${quote(path)}`)
}

const describe = (seen: There): string => {
  switch (seen.kind) {
    case 'file':
      return `the file (${seen.size} bytes)`
    case 'directory':
      return 'the directory'
    case 'symlink':
      return `the link to ${seen.target}`
    case 'other':
      return 'the device, socket or pipe'
  }
}
