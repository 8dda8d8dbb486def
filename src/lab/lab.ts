/** A fleet of throw-away SSH targets in this process, with everything written that is needed to act on it. */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { shown } from '../base/names.ts'
import { makeKeyPair } from './keys.ts'
import { killAllWith } from './processes.ts'
import { LAB_USER, LOOPBACK, startServer } from './server.ts'
import type { LabContext } from './session.ts'
import { type SiteFiles, type SiteNode, siteFiles, siteMark, writeSite } from './site.ts'

export interface LabOptions {
  /** How many targets, 1 to 1000. */
  readonly count: number
  /** Where its files go: made if absent, else empty or of an earlier lab. */
  readonly folder: string
}

/** A target of a lab. */
export interface LabTarget extends SiteNode {
  /** The working directory and home of its commands. */
  readonly folder: string
}

/** A lab that is up. Disposing it closes all connections and kills all commands; the folder stays. */
export interface Lab extends SiteFiles, AsyncDisposable {
  readonly folder: string
  readonly targets: readonly LabTarget[]
}

/**
 * Starts a lab: `lab01`, `lab02`, ... in the groups `all`, `odd`, `even` and `first`. Throws `USAGE` for a count out of
 * range, and for a folder which holds something else than a lab.
 */
export const startLab = async ({ count, folder }: LabOptions, io: Abortable): Promise<Lab> => {
  io.signal.throwIfAborted()
  if (!Number.isInteger(count) || count < 1 || count > MAX_TARGETS) {
    throw new StokerError('USAGE', 'count', `a lab has 1 to ${MAX_TARGETS} targets, not ${count}`)
  }
  const root = resolve(folder)
  await prepare(root)
  const clientKey = makeKeyPair(NAME)
  const targetsFolder = join(root, 'targets')
  await using stack = new AsyncDisposableStack()
  // Last: whatever the servers' own stop did not reach, because it had left its process group.
  stack.defer(() => killAllWith(`HOME=${targetsFolder}/`))
  const targets: LabTarget[] = []
  for (const name of namesOf(count)) {
    io.signal.throwIfAborted()
    const hostKey = makeKeyPair(name)
    const context = await furnish(join(targetsFolder, name), name)
    const { port } = stack.use(await startServer(hostKey.privateKey, clientKey.publicKey, context))
    targets.push({ name, folder: context.folder, address: LOOPBACK, port, user: LAB_USER, hostKey: hostKey.publicKey })
  }
  const files = await writeSite({ name: NAME, folder: root, nodes: targets, groups: groupsOf(count), clientKey })
  const running = stack.move()
  return { ...files, folder: root, targets, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

const NAME = 'lab'
const MAX_TARGETS = 1000

const label = (index: number, count: number): string => String(index).padStart(Math.max(2, String(count).length), '0')

const namesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${NAME}${label(i + 1, count)}`)

const groupsOf = (count: number): Readonly<Record<string, string>> => {
  const every = (first: number, step: number) => {
    const last = count - ((count - first) % step)
    if (first > count) return ''
    if (first === last) return `${NAME}${label(first, count)}`
    return `${NAME}[${label(first, count)}-${label(last, count)}${step === 1 ? '' : `/${step}`}]`
  }
  return { all: every(1, 1), odd: every(1, 2), even: every(2, 2), first: `${NAME}${label(1, count)}` }
}

/** Makes the folder, or makes sure that nobody's work is written over. */
const prepare = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const entries = await readdir(folder)
  if (entries.length === 0) return
  const config = await readFile(siteFiles(folder).config, 'utf8').catch(() => '') // absent, or not ours to read: not a lab
  if (config.startsWith(siteMark({ name: NAME }))) return
  throw new StokerError(
    'USAGE',
    folder,
    `${shown(folder)} holds something else than a lab; name an empty folder, or one that is not there yet`,
  )
}

/** A target's folder, with a `hostname` of its own found first. What an earlier lab left there stays. */
const furnish = async (folder: string, name: string): Promise<LabContext> => {
  const bin = join(folder, 'bin')
  const hostname = join(bin, 'hostname')
  await mkdir(bin, { recursive: true, mode: 0o700 })
  await writeFile(hostname, `#!/bin/sh\necho ${name}\n`)
  await chmod(hostname, 0o755)
  return {
    folder,
    environment: {
      PATH: `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: folder,
      SHELL: '/bin/sh',
      USER: LAB_USER,
      LANG: process.env.LANG ?? 'C.UTF-8',
    },
  }
}
