/** A policy's folder as the files of a bundle, and the files of a bundle as a folder. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { StokerError } from '../../base/errors.ts'
import type { Tree } from './tree.ts'

/** All files of the policy's folder, with the policy as `policy.yaml`. */
export const treeOf = async (policy: string): Promise<Tree> => {
  const isFolder = await stat(policy).then(
    found => found.isDirectory(),
    cause => {
      throw new StokerError('CONFIG', policy, `${policy}: cannot be read: ${(cause as Error).message}`, { cause })
    },
  )
  const folder = isFolder ? policy : dirname(policy)
  const tree = new Map<string, Uint8Array>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const name = relative(folder, path)
    // A repository of the administrator's, and what editors leave, are not her nodes' business.
    if (name.split('/').some(part => part.startsWith('.') || part.endsWith('~'))) continue
    tree.set(name, await readFile(path))
  }
  if (isFolder || basename(policy) === 'policy.yaml') return tree
  const named = tree.get(basename(policy))
  tree.delete(basename(policy))
  if (tree.has('policy.yaml'))
    throw new StokerError(
      'CONFIG',
      policy,
      `${folder} has a policy.yaml beside ${basename(policy)}; give each policy a folder of its own`,
    )
  return named ? tree.set('policy.yaml', named) : tree
}

/** The files in a temporary folder, which goes when it is disposed. */
export const unpacked = async (tree: Tree): Promise<{ readonly folder: string } & AsyncDisposable> => {
  const folder = await mkdtemp(join(tmpdir(), 'pulley-policy-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    for (const [name, data] of tree) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), data, { mode: 0o600 })
    }
  } catch (thrown) {
    await remove()
    throw thrown
  }
  return { folder, [Symbol.asyncDispose]: remove }
}
