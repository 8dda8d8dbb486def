/** One file: what the actor `file` can do already, and large ones go on where a broken connection has stopped them. */

import { quote } from '../../../src/base/quote.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import type { Content } from '../../../src/converge/content.ts'
import type { Change, Convergent } from '../../../src/converge/convergent.ts'
import { convergent } from '../../../src/converge/convergent-actor.ts'
import type { Actor } from '../../../src/run/actor.ts'
import { file } from '../file.ts'
import { idOf, type PartialFile, parsePartials, partialPath, probePartials } from '../partial-file.ts'
import { type Moved, sendFile } from './send-file.ts'
import { setTime } from './set-time.ts'

/** The actor `file` for this content at this absolute path; takes the options of `file`. `mtime`: seconds since 1970. */
export const singleFile = (path: string, content: Content, mtime?: number): Actor => {
  const definition = file.convergent as Convergent<unknown, unknown>
  return convergent<unknown, unknown>({
    ...definition,
    name: 'copy',
    // First of all: what the other probe prints may end with the content of the file.
    probe: (desired, options) =>
      `${probePartials(path)}\n${mtime === undefined ? '' : probeTime(path)}${definition.probe(desired, options)}`,
    plan(desired, result) {
      const plan = definition.plan(desired, result)
      // There is no such option here.
      if (plan.kind === 'impossible') return { kind: 'impossible', reason: inTheWay(path, plan.reason) }
      const planned = plan.kind === 'change' ? plan.changes : []
      const changes = mtime === undefined ? planned : withTime(path, mtime, planned, result.stdout)
      const partials = parsePartials(result.stdout)
      const id = changes.some(writes) ? idOf(content.sha256) : undefined
      const partial = partials.find(one => one.id === id && one.size <= content.size)
      const all = [
        ...partials.filter(one => one !== partial).map(one => removal(path, one)),
        ...changes.map(change => (partial && writes(change) ? continuing(change, partial) : change)),
      ]
      return all.length === 0 ? plan : { kind: 'change', changes: all }
    },
  })
}

const probeTime = (path: string): string =>
  `if [ -f ${quote(path)} ] && [ ! -L ${quote(path)} ]; then stat -c "time %Y" ${quote(path)}; fi\n`

const withTime = (path: string, mtime: number, changes: readonly Change[], stdout: Uint8Array): readonly Change[] => {
  const [, actual] = /^(?:kept .*\n)*time (-?\d+)$/m.exec(Buffer.from(stdout).toString('latin1')) ?? []
  if (actual === String(mtime) && !changes.some(writes)) return changes
  return [...changes, { what: 'time of the source', steps: [{ kind: 'run', script: setTime(mtime, quote(path)) }] }]
}

/** Nobody is told to take a folder away who has only forgotten a slash. */
const inTheWay = (path: string, reason: string): string =>
  reason.startsWith('there is a directory')
    ? `there is a folder at ${path}; to copy into it, say dest=${path}/`
    : reason.replace(/with force it is replaced$/, 'name another dest, or move it aside')

const writes = ({ steps }: Change): boolean => steps.some(({ kind }) => kind === 'write')

const continuing = (change: Change, { size }: PartialFile): Change => ({
  ...change,
  what: `${change.what}; ${size} bytes of it were sent before the connection broke`,
})

const removal = (path: string, { id, size }: PartialFile): Change => ({
  what: `remove what a broken connection left (${size} bytes)`,
  steps: [{ kind: 'run', script: `rm -f ${quote(partialPath(path, id))}` }],
})

/** The connection, which sends this content in such a way; it writes no other. */
export const sendingOn = (connection: Connection, content: Content, moved: Moved): Connection => ({
  timing: connection.timing,
  ...(connection.lost && { lost: connection.lost }),
  exec: (command, io) => connection.exec(command, io),
  read: (path, io) => connection.read(path, io),
  write: (path, _bytes, attributes, io) => sendFile(connection, path, content, attributes, moved, io),
  [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
})
