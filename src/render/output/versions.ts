/** The last versions of a render's files, so that a wrong turn can be taken back. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import type { Compared, NewFile } from './compare.ts'
import { readJson } from './render-state.ts'
import type { Size } from './result.ts'

export const MAX_VERSIONS = 5

/** What was live until it was replaced. */
export interface Version {
  /** Its folder's name; the later one sorts behind the earlier. */
  readonly id: string
  /** When it was replaced, in milliseconds since 1970. */
  readonly at: number
  /** What was in it, where that is known. */
  readonly size: Size | undefined
  readonly files: readonly VersionFile[]
}

interface VersionFile {
  readonly path: string
  readonly mode: number
  readonly sha256: string
  readonly onChange: NewFile['onChange']
  /** The words of the daemon's check, with this in place of the file. */
  readonly check: readonly string[] | undefined
}

const CANDIDATE = '{candidate}'

/** Keeps the live files, and as many versions in all as are kept. Nothing is kept where there was no file yet. */
export const keepVersion = async (
  folder: string,
  files: readonly Compared[],
  { at, size }: { readonly at: Date; readonly size: Size | undefined },
): Promise<void> => {
  const liveFiles = files.flatMap(({ file, live }) => (live ? [{ file, live }] : []))
  if (liveFiles.length === 0) return
  const aside = join(folder, 'versions', '.new')
  await rm(aside, { recursive: true, force: true })
  await mkdir(aside, { recursive: true, mode: 0o700 })
  for (const [i, { live }] of liveFiles.entries())
    await writeFile(join(aside, String(i)), live.content, { mode: 0o600 })
  const manifest: Omit<Version, 'id'> = {
    at: at.getTime(),
    size,
    files: liveFiles.map(({ file, live }) => ({
      path: file.path,
      mode: live.stats.mode & 0o7777,
      sha256: checksum(live.content),
      onChange: file.onChange,
      check: file.check?.(CANDIDATE),
    })),
  }
  await writeFile(join(aside, MANIFEST), `${JSON.stringify(manifest)}\n`, { mode: 0o600 })
  await rename(aside, join(folder, 'versions', await nextId(folder, at)))
  for (const id of (await ids(folder)).slice(MAX_VERSIONS))
    await rm(join(folder, 'versions', id), { recursive: true, force: true })
}

/** The versions which are kept, the latest first. */
export const listVersions = async (folder: string): Promise<readonly Version[]> => {
  const versions: Version[] = []
  for (const id of await ids(folder)) {
    const manifest = (await readJson(join(folder, 'versions', id, MANIFEST))) as Partial<Version>
    // Without its list, a version was cut off by a loss of power.
    if (Array.isArray(manifest.files)) versions.push({ ...(manifest as Version), id })
  }
  return versions
}

/** The files of a version, byte for byte. Throws `RENDER_FAILED` when they are not any more what was kept. */
export const filesOf = async (folder: string, { id, files }: Version): Promise<readonly NewFile[]> =>
  await Promise.all(
    files.map(async ({ path, mode, sha256, onChange, check }, i) => {
      const kept = join(folder, 'versions', id, String(i))
      const content = await readFile(kept).catch(() => undefined) // gone: reported like any other damage
      if (!content || checksum(content) !== sha256)
        throw new StokerError('RENDER_FAILED', path, `${kept}: the copy of ${path} is damaged; try another version`)
      return {
        ...{ path, mode, onChange, content },
        ...(check && { check: (candidate: string) => check.map(word => word.replaceAll(CANDIDATE, candidate)) }),
      }
    }),
  )

const MANIFEST = 'version.json'

/** The latest first. */
const ids = async (folder: string): Promise<readonly string[]> => {
  const names = await readdir(join(folder, 'versions')).catch(() => []) // none was kept yet
  return names.filter(name => /^\d{8}T\d{6}-\d+$/.test(name)).sort(latestFirst)
}

const nextId = async (folder: string, at: Date): Promise<string> => {
  const turns = (await ids(folder)).map(sequenceOf)
  const time = at.toISOString().replaceAll(/[-:]|\..*/g, '')
  return `${time}-${Math.max(0, ...turns) + 1}`
}

// By their turn, which does not go backwards as a clock may.
const latestFirst = (a: string, b: string): number => sequenceOf(b) - sequenceOf(a)
const sequenceOf = (id: string): number => Number(id.slice(id.indexOf('-') + 1))

const checksum = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')
