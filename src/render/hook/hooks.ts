/** Hooks on this machine: which there are, what installing or removing one would do, and doing it. */
import { join } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import { addBlock, type Found, findBlock, removeBlock, replaceBlock } from './block.ts'
import { hookCommand, hookLimit, type Program } from './command.ts'
import { dropInOf } from './drop-in.ts'
import { exists, readBytes, removeFile, writeBytes } from './files.ts'
import type { Daemon, HookedService } from './services.ts'
import { snippetOf } from './snippet.ts'

export type HookKind = 'systemd' | 'sysv'

/** A place for a hook of one daemon, and what is there. */
export interface HookLocation {
  readonly kind: HookKind
  readonly daemon: Daemon
  readonly path: string
  /** `undefined`: no such file. */
  readonly before: string | undefined
  readonly found: Found
}

/** What is to be done with one file. */
export interface HookChange extends HookLocation {
  /** `undefined`: it goes. */
  readonly after: string | undefined
  /** The lines of ours: those which come, or those which go. */
  readonly body: string
}

/** Where the machine's files are; other than `/` when a hook is put into an image. */
export interface Machine {
  readonly root: string
}

/** Reads all locations of these kinds for the service, whatever is installed. Throws `CONFIG` when one cannot be read. */
export const hookLocations = async (
  service: HookedService,
  kinds: readonly HookKind[],
  { root }: Machine,
): Promise<readonly HookLocation[]> => {
  const wanted = service.daemons.flatMap(daemon => kinds.map(kind => ({ kind, daemon })))
  return await Promise.all(
    wanted.map(async ({ kind, daemon }): Promise<HookLocation> => {
      const path = join(root, pathOf(kind, daemon))
      const before = await readBytes(path)
      const found: Found = before === undefined ? { kind: 'absent' } : findBlock(before, service.name)
      return { kind, daemon, path, before, found: kind === 'systemd' ? wholeFileOnly(before, found) : found }
    }),
  )
}

const pathOf = (kind: HookKind, { unit, defaults }: Daemon): string =>
  kind === 'systemd' ? `/etc/systemd/system/${unit}.service.d/stoker.conf` : `/etc/default/${defaults}`

/** A drop-in file is ours as a whole. */
const wholeFileOnly = (file: string | undefined, found: Found): Found => {
  if (file === undefined || found.kind === 'changed') return found
  if (found.kind === 'ours' && found.to - found.from === file.length) return found
  return { kind: 'changed', line: 1, why: 'there is something in the file which stoker did not write' }
}

export interface InstallParts {
  readonly program: Program
  /** The renders which the site has for a daemon; one without any is left out. */
  rendersOf(daemon: Daemon): readonly string[]
  /** The milliseconds which these renders have. */
  deadlineOf(renders: readonly string[]): number
  /** The seconds which systemd gives a unit to start; `undefined`: not known, or no limit. */
  startLimit(unit: string): Promise<number | undefined>
}

/**
 * What would be written. Throws `CONFIG` when the service is not on this machine, when its script cannot be hooked, and when
 * somebody has changed what stoker wrote.
 */
export const planInstall = async (
  service: HookedService,
  kind: HookKind,
  { program, rendersOf, deadlineOf, startLimit }: InstallParts,
  machine: Machine,
): Promise<readonly HookChange[]> => {
  const locations = (await hookLocations(service, [kind], machine)).filter(({ daemon }) => rendersOf(daemon).length > 0)
  if (locations.length === 0) throw nothingToRender(service)
  const present: HookLocation[] = []
  for (const location of locations) if (await isPresent(location, machine)) present.push(location)
  if (present.length === 0) throw notHere(service, kind)
  refuseChanged(service, present)
  const changes: HookChange[] = []
  for (const location of present) {
    const { daemon, path, before, found } = location
    const renders = rendersOf(daemon)
    const limit = hookLimit(deadlineOf(renders))
    const command = hookCommand(program, renders, limit)
    const text =
      kind === 'systemd'
        ? dropInOf(command, limit, withoutOurs(found, await startLimit(daemon.unit)))
        : snippetOf(command, limit, daemon)
    const body = Buffer.from(text).toString('latin1')
    const after =
      found.kind === 'ours'
        ? replaceBlock(before ?? '', service.name, found, body)
        : addBlock(before, service.name, body, !(await exists(join(path, '..'))))
    changes.push({ ...location, after, body })
  }
  return changes
}

/** The time which a unit has to start; none when what there is comes from our own drop-in file: it would be too little else. */
const withoutOurs = (found: Found, startLimit: number | undefined): number | undefined => {
  const [, ours] = (found.kind === 'ours' && /^TimeoutStartSec=(\d+)$/m.exec(found.body)) || []
  return ours !== undefined && Number(ours) === startLimit ? 0 : startLimit
}

/** What would be taken away. Throws `CONFIG` when somebody has changed what stoker wrote. */
export const planRemove = async (
  service: HookedService,
  kinds: readonly HookKind[],
  machine: Machine,
): Promise<readonly HookChange[]> => {
  const locations = await hookLocations(service, kinds, machine)
  refuseChanged(service, locations)
  return locations.flatMap(location =>
    location.found.kind === 'ours'
      ? [{ ...location, after: removeBlock(location.before ?? '', location.found), body: location.found.body }]
      : [],
  )
}

/** Does what is planned; the first file which cannot be written ends it. systemd has to read its units anew after that. */
export const applyChanges = async (
  changes: readonly Pick<HookChange, 'path' | 'before' | 'after' | 'found'>[],
): Promise<void> => {
  for (const { path, before, after, found } of changes) {
    if (after === before) continue
    if (after === undefined) await removeFile(path, found.kind === 'ours' && found.joint === 'new folder')
    else await writeBytes(path, after)
  }
}

/** Whether the daemon is on this machine, in a way which can be hooked. */
const isPresent = async ({ kind, daemon, path }: HookLocation, { root }: Machine): Promise<boolean> => {
  const script = join(root, 'etc/init.d', daemon.script)
  if (kind === 'systemd') {
    // systemd makes a unit of an init script which has none.
    const units = UNIT_FOLDERS.map(folder => join(root, folder, `${daemon.unit}.service`))
    for (const one of [...units, script]) if (await exists(one)) return true
    return false
  }
  const text = await readBytes(script)
  if (text === undefined) return false
  if (await readsDefaults(text, root)) return true
  throw new StokerError(
    'CONFIG',
    script,
    `${script} does not read ${path}: it cannot be hooked that way. Call the render in the script, before the daemon is started, with || : behind it`,
  )
}

const UNIT_FOLDERS = ['etc/systemd/system', 'run/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system']

/** Whether the script, or a file which it reads, reads from /etc/default. */
const readsDefaults = async (script: string, root: string): Promise<boolean> => {
  if (script.includes('/etc/default/')) return true
  for (const [, path = ''] of script.matchAll(/^\s*(?:\.|source)\s+"?(\/[^\s";]+)/gm))
    if ((await readBytes(join(root, path)))?.includes('/etc/default/')) return true
  return false
}

const refuseChanged = ({ name }: HookedService, locations: readonly HookLocation[]): void => {
  const changed = locations.flatMap(({ path, found }) =>
    found.kind === 'changed' ? [`${path}:${found.line}: ${found.why}`] : [],
  )
  if (changed.length === 0) return
  const message = `somebody has changed the hook of ${name}, it is left as it is: ${changed.join('; ')}. Take those lines out by hand (from >>> to <<<) and try again`
  throw new StokerError('CONFIG', name, message)
}

const nothingToRender = ({ name, daemons }: HookedService): StokerError => {
  const services = daemons.flatMap(daemon => daemon.services).join(' or ')
  const message = `the configuration has no render of the service ${services}: there is nothing to run before ${name} starts`
  return new StokerError('CONFIG', name, message)
}

const notHere = ({ name, daemons }: HookedService, kind: HookKind): StokerError => {
  const names = daemons.map(({ unit, script }) => (kind === 'systemd' ? `${unit}.service` : `/etc/init.d/${script}`))
  const other = kind === 'systemd' ? '--kind sysv' : '--kind systemd'
  const message = `there is no ${names.join(' and no ')} here to hook; install the service first, or say ${other} if that is how it is started`
  return new StokerError('CONFIG', name, message)
}
