/** What is missing at a path, between what is wanted and what is there. Pure. */

import { quote } from '../../base/quote.ts'
import { type Mode, modeFrom } from '../../config/file-mode.ts'
import { bytesOf, type Content } from '../content.ts'
import type { Change, Plan, ProbeOptions, Step, TextChange } from '../convergent.ts'
import { type ActualFile, type Below, fileProbe, MAX_DIFF_BYTES, octal } from './probe.ts'
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

/** What is wanted at a path. Owner and group are names or numbers. */
export type DesiredFile = Omit<Desired, 'mode'> & {
  /** Permission bits, or how to change those which are there, or which something new gets. */
  readonly mode?: Mode | undefined
}

interface Desired extends Attributes {
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

/** A content with its bytes where they are few enough to be shown. */
export const withBytes = async (content: Content | undefined): Promise<Pick<DesiredFile, 'content' | 'bytes'>> => ({
  content,
  bytes: content && content.size <= MAX_DIFF_BYTES ? await bytesOf(content) : undefined,
})

/** The probe which the plan for this state needs. */
export const probeFile = (desired: DesiredFile, { diff }: ProbeOptions): string =>
  fileProbe({
    ...desired,
    size: desired.content?.size,
    content: diff && desired.secret !== true && desired.bytes !== undefined,
  })

/** What is to be done. */
export const planFile = (desired: DesiredFile, actual: ActualFile): Plan => {
  const decided = PLANS[desired.state](withBits(desired, actual), actual)
  if (typeof decided === 'string') return { kind: 'impossible', reason: decided }
  return decided.length === 0 ? { kind: 'converged' } : { kind: 'change', changes: decided }
}

const withBits = (desired: DesiredFile, actual: ActualFile): Desired => {
  const { mode, ...rest } = desired
  if (mode === undefined) return rest
  const isFolder = desired.state === 'directory'
  const isThere = actual.kind === (isFolder ? 'directory' : 'file')
  const present = isThere ? actual.mode : isFolder ? NEW_FOLDER_MODE : NEW_MODE
  return { ...rest, mode: modeFrom(mode, present, isFolder) }
}

type ExistingFile = Exclude<ActualFile, { readonly kind: 'none' }>
type File = Extract<ActualFile, { readonly kind: 'file' }>

/** The changes, or why it cannot be had. */
type Decision = readonly Change[] | string

const absent = (desired: Desired, actual: ActualFile): Decision => {
  if (actual.kind === 'none') return []
  if (actual.kind === 'directory' && !actual.empty && !desired.force)
    return 'is a directory, and not empty; with force it goes with all that is in it'
  const all = actual.kind === 'directory' && !actual.empty ? ' and all that is in it' : ''
  return [{ what: `${describeRemoval(desired, actual)}${all}`, steps: [remove(desired, actual)] }]
}

const directory = (desired: Desired, actual: ActualFile): Decision => {
  if (actual.kind === 'directory') {
    const many = actual.deviating === 1 ? '1 thing' : `${actual.deviating} things`
    const below: Change[] =
      desired.below && actual.deviating > 0
        ? [{ what: `owner or mode of ${many} in it`, steps: [setBelow(desired.path, desired.below, desired)] }]
        : []
    return [...attributes(desired, actual), ...below]
  }
  if (actual.kind !== 'none' && !desired.force) return otherKind(actual, 'a directory')
  const steps = [run(`mkdir -p ${quote(desired.path)}`), ...setAttributes(desired.path, desired)]
  return [replacing(desired, actual, `make the directory${describeAttributes(desired)}`, steps)]
}

const symlink = (desired: Desired, actual: ActualFile): Decision => {
  const target = desired.target ?? ''
  const steps = [makeLink(desired.path, target), ...setAttributes(desired.path, desired, true)]
  if (actual.kind === 'symlink') {
    if (actual.target === target) return attributes(desired, actual)
    return [{ what: `link to ${actual.target} -> ${target}${describeAttributes(desired)}`, steps }]
  }
  if (actual.kind !== 'none' && !desired.force) return otherKind(actual, 'a link')
  return [replacing(desired, actual, `link to ${target}${describeAttributes(desired)}`, steps)]
}

const present = (desired: Desired, actual: ActualFile): Decision => {
  if (actual.kind === 'file') return contents(desired, actual)
  if (actual.kind === 'symlink' && !desired.content)
    return `is a link to ${actual.target}; name what it leads to, or give a content to replace the link`
  if (actual.kind === 'symlink' && !desired.backup) return [overLink(desired, actual)]
  if (actual.kind !== 'none' && actual.kind !== 'symlink' && !desired.force) return otherKind(actual, 'a file')
  const steps = [
    ...(actual.kind === 'none' && !actual.folder ? [needFolder(desired.path)] : []),
    writeFile(desired.path, desired.content, { ...desired, mode: desired.mode ?? NEW_MODE }),
  ]
  return [{ ...replacing(desired, actual, creation(desired), steps), ...textChange(desired, undefined) }]
}

/** A link is replaced without asking, because what it leads to stays; and by renaming, so that there is no gap. */
const overLink = (desired: Desired, actual: Extract<ActualFile, { readonly kind: 'symlink' }>): Change => {
  // Without an owner of its own it would get that of what the link leads to.
  const { mode = NEW_MODE, owner = String(actual.me), group } = desired
  const steps = [writeFile(desired.path, desired.content, { mode, owner, group })]
  return { what: `replace ${describe(actual)}, ${creation(desired)}`, steps, ...textChange(desired, undefined) }
}

const creation = (desired: Desired): string =>
  `create${desired.content ? ` (${desired.content.size} bytes)` : ', empty'}${describeAttributes(desired)}`

const PLANS = { absent, directory, symlink, present }

/** Permission bits of a new file when none are given. */
const NEW_MODE = 0o644
const NEW_FOLDER_MODE = 0o755

const contents = (desired: Desired, actual: File): Decision => {
  if (!desired.content || holds(desired.content, desired.bytes, actual)) return attributes(desired, actual)
  // Only root gives files away; for others the new file is their own, as it would be with any editor.
  const kept = actual.me === 0 ? { owner: String(actual.uid), group: String(actual.gid) } : {}
  const write = writeFile(desired.path, desired.content, {
    mode: desired.mode ?? actual.mode,
    owner: desired.owner ?? kept.owner,
    group: desired.group ?? kept.group,
  })
  const what = [
    `content (${actual.size} -> ${desired.content.size} bytes)`,
    ...differing(desired, actual),
    ...(desired.backup ? ['keep a backup'] : []),
  ]
  const steps = desired.backup ? [copyAside(desired.path), write] : [write]
  return [{ what: what.join(', '), steps, ...textChange(desired, actual) }]
}

const holds = (content: Content, bytes: Uint8Array | undefined, actual: File): boolean =>
  actual.content && bytes
    ? Buffer.from(actual.content).equals(bytes)
    : actual.size === content.size && actual.sha256 === content.sha256

/** Mode and owner where they differ, as one change. */
const attributes = (desired: Desired, actual: ExistingFile): readonly Change[] => {
  const differ = differing(desired, actual)
  if (differ.length === 0) return []
  // Giving a file away takes its set-user-id bit from it.
  const mode = desired.mode ?? (actual.mode & 0o6000 ? actual.mode : undefined)
  return [
    { what: differ.join(', '), steps: setAttributes(desired.path, { ...desired, mode }, actual.kind === 'symlink') },
  ]
}

const differing = ({ owner, group, mode }: Desired, actual: ExistingFile): readonly string[] => {
  const sameOwner =
    owner === undefined || owner === actual.owner || actual.uid === (actual.wanted.uid ?? numeric(owner))
  const sameGroup =
    group === undefined || group === actual.group || actual.gid === (actual.wanted.gid ?? numeric(group))
  const otherMode = mode !== undefined && mode !== actual.mode && actual.kind !== 'symlink'
  return [
    ...(sameOwner ? [] : [`owner ${actual.owner} -> ${owner}`]),
    ...(sameGroup ? [] : [`group ${actual.group} -> ${group}`]),
    ...(otherMode ? [`mode ${octal(actual.mode)} -> ${octal(mode)}`] : []),
  ]
}

const numeric = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined)

/** The attributes of something new, to be added to what is said of it. */
const describeAttributes = ({ owner, group, mode, state }: Desired): string =>
  [
    ...(owner === undefined ? [] : [`, owner ${owner}`]),
    ...(group === undefined ? [] : [`, group ${group}`]),
    ...(mode === undefined || state === 'symlink' ? [] : [`, mode ${octal(mode)}`]),
  ].join('')

/** The diff, where both sides are small enough; it is secret when one of the two is. */
const textChange = (desired: Desired, actual: File | undefined): { readonly diff?: TextChange } => {
  if (!desired.bytes || (actual && actual.size > MAX_DIFF_BYTES)) return {}
  const modes = [desired.mode ?? actual?.mode ?? NEW_MODE, actual?.mode ?? NEW_MODE]
  const secret = desired.secret ?? modes.some(mode => (mode & 0o044) === 0)
  return { diff: { path: desired.path, before: actual?.content, after: desired.bytes, secret } }
}

const otherKind = (actual: ExistingFile, wanted: string): string =>
  `${describe(actual).replace(/^the /, 'there is a ')}, not ${wanted}; with force it is replaced`

/** A change which first takes away what is there. */
const replacing = (desired: Desired, actual: ActualFile, what: string, steps: readonly Step[]): Change =>
  actual.kind === 'none'
    ? { what, steps }
    : { what: `${describeRemoval(desired, actual)}, ${what}`, steps: [remove(desired, actual), ...steps] }

const describeRemoval = ({ backup }: Desired, actual: ExistingFile): string =>
  `${backup ? 'move away' : 'remove'} ${describe(actual)}`

const remove = ({ path, backup }: Desired, actual: ExistingFile): Step => {
  if (backup) return moveAway(path)
  if (actual.kind !== 'directory') return run(`rm -f ${quote(path)}`)
  return run(`${actual.empty ? 'rmdir' : 'rm -rf'} ${quote(path)}`)
}

const describe = (actual: ExistingFile): string => {
  switch (actual.kind) {
    case 'file':
      return `the file (${actual.size} bytes)`
    case 'directory':
      return 'the directory'
    case 'symlink':
      return `the link to ${actual.target}`
    case 'other':
      return 'the device, socket or pipe'
  }
}
