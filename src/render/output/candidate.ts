/** New files in the folders of those which they shall replace, under names of their own until they are found good. */
import { mkdir, rmdir, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Abortable } from '../../base/abortable.ts'
import { AtomicFile, syncFolder } from '../../base/atomic-file.ts'
import { StokerError } from '../../base/errors.ts'
import type { Compared } from './compare.ts'
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
  const list: (Candidate & { readonly file: AtomicFile })[] = []
  await using made = new AsyncDisposableStack()
  for (const of of files) {
    io.signal.throwIfAborted()
    const folder = dirname(of.target)
    // One which we have made goes if nothing came to be in it.
    if (await madeFolder(folder)) made.defer(() => rmdir(folder).catch(() => {}))
    await withFileErrors(of, 'written', async () => {
      const file = made.use(await AtomicFile.open(of.target))
      await write(file, of, warn, io)
      list.push({ of, path: file.path, file })
    })
  }
  const all = made.move()
  return {
    list,
    async swap() {
      for (const { of, file } of list) await withFileErrors(of, 'replaced', () => file.commit({ sync: false }))
      for (const folder of new Set(list.map(({ of }) => dirname(of.target)))) await syncFolder(folder)
    },
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  }
}

/** Makes the folder if only that one is missing. What else is wrong is reported when a file is written into it. */
const madeFolder = async (path: string): Promise<boolean> =>
  await mkdir(path, { mode: 0o755 }).then(
    () => true,
    () => false,
  )

const write = async (
  { handle, path }: AtomicFile,
  { file, live, target }: Compared,
  warn: (notice: string) => void,
  io: Abortable,
): Promise<void> => {
  await handle.writeFile(file.content)
  await handle.sync()
  if (!live) return await handle.chmod(file.mode)
  const { uid, gid, mode } = live.stats
  await handle.chown(uid, gid).catch(() => warn(`${file.path}: its owner cannot be kept`))
  await handle.chmod(mode & 0o7777)
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
