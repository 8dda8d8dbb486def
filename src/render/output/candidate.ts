/** New files in the folders of those which they shall replace, under names of their own until they are found good. */
import { chmod, chown, mkdir, open, readdir, rename, rm, rmdir, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { startOf } from '../../base/process-start.ts'
import type { Compared } from './compare.ts'
import { syncFolder } from './render-state.ts'
import { runCommand } from './run-command.ts'

/** A new file which lies beside the one it shall replace, whole and on disk. */
export interface Candidate {
  readonly of: Compared
  readonly path: string
}

/** Disposing it removes those which have not been put in place. */
export interface Candidates extends AsyncDisposable {
  readonly list: readonly Candidate[]
  /** Puts each in place of the live file, in order: whoever opens that gets the old or the new one, whole. */
  swap(): Promise<void>
}

/**
 * Writes the candidates, with owner, mode, access list and labels of the live files. The daemons ignore hidden files in
 * their folders. Throws `RENDER_FAILED` naming the file. `warn` gets what could not be kept.
 */
export const writeCandidates = async (
  files: readonly Compared[],
  warn: (notice: string) => void,
  io: Abortable,
): Promise<Candidates> => {
  const list: Candidate[] = []
  const left = new Set<string>()
  const folders: string[] = []
  const remove = async () => {
    for (const path of left) await rm(path, { force: true })
    // One which we have made goes if nothing came to be in it.
    for (const folder of folders) await rmdir(folder).catch(() => {})
  }
  try {
    for (const one of files) {
      io.signal.throwIfAborted()
      const path = `${candidatePrefix(one.target)}${process.pid}-${await startOf(process.pid)}`
      left.add(path)
      if (await madeFolder(dirname(path))) folders.push(dirname(path))
      await withFileErrors(one, 'written', () => write(path, one, warn, io))
      list.push({ of: one, path })
    }
  } catch (thrown) {
    await remove()
    throw thrown
  }
  return {
    list,
    async swap() {
      for (const { of, path } of list) {
        await withFileErrors(of, 'replaced', () => rename(path, of.target))
        left.delete(path)
      }
      for (const folder of new Set(list.map(({ of }) => dirname(of.target)))) await syncFolder(folder)
    },
    [Symbol.asyncDispose]: remove,
  }
}

/** Makes the folder if only that one is missing. What else is wrong is reported when a file is written into it. */
const madeFolder = async (path: string): Promise<boolean> =>
  await mkdir(path, { mode: 0o755 }).then(
    () => true,
    () => false,
  )

/** Removes the candidates of processes which were killed, whatever has become of their files since. */
export const removeLeftovers = async (files: readonly Compared[]): Promise<void> => {
  const prefixes = Map.groupBy(
    files.map(({ target }) => candidatePrefix(target)),
    prefix => dirname(prefix),
  )
  for (const [folder, ours] of prefixes) {
    const names = await readdir(folder).catch(() => []) // whoever writes there gets the error
    for (const path of names.filter(name => name.includes('.stoker-')).map(name => join(folder, name))) {
      const prefix = ours.find(one => path.startsWith(one)) ?? path
      const [, pid = '', start] = /^(\d+)-(\d+)$/.exec(path.slice(prefix.length)) ?? []
      if (pid !== '' && start !== (await startOf(pid))) await rm(path, { force: true })
    }
  }
}

const candidatePrefix = (target: string): string => join(dirname(target), `.${basename(target)}.stoker-`)

const write = async (path: string, { file, live, target }: Compared, warn: (notice: string) => void, io: Abortable) => {
  {
    await using handle = await open(path, 'wx', 0o600)
    await handle.writeFile(file.content)
    await handle.sync()
  }
  if (!live) return await chmod(path, file.mode)
  const { uid, gid, mode } = live.stats
  await chown(path, uid, gid).catch(() => warn(`${file.path}: its owner cannot be kept`))
  await chmod(path, mode & 0o7777)
  await copyLabels(target, path, io)
}

/**
 * Access lists, extended attributes and the SELinux label, which Node cannot see: GNU cp can. Where there is none, or the
 * file system has no such things, what could be kept has been kept already.
 */
const copyLabels = async (from: string, to: string, io: Abortable): Promise<void> => {
  await runCommand(['cp', '--attributes-only', '--preserve=all', '--', from, to], io).catch(() =>
    io.signal.throwIfAborted(),
  )
  // It has copied the times as well; some daemons go by them.
  const now = new Date()
  await utimes(to, now, now)
}

const withFileErrors = async <T>({ file: { path } }: Compared, done: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const reason = REASONS[code ?? ''] ?? message
    throw new StokerError('RENDER_FAILED', path, `${path}: cannot be ${done}: ${reason}`, { cause })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EBUSY: 'it is a mount point; mount the folder instead',
}
