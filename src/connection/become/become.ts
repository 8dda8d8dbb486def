/**
 * A connection whose commands and files are another user's: everything goes through sudo or doas.
 *
 * What runs as root takes no signals from the login user, so the supervisor which ends it has to be the other user's, and the
 * only one. Its lifeline is the standard input of the program which lets us in; a command with an input of its own is watched over
 * from a second one.
 */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import type { Output } from '../../connection/connection.ts'
import type { Connection, Connector, Exit } from '../connection.ts'
import { readFileOver, writeFileOver } from '../files.ts'
import { afterMark, type NoiseListener } from '../supervise/start-mark.ts'
import {
  announcedArgument,
  announcement,
  lifeline,
  newMark,
  type Supervised,
  supervisedArgument,
  watching,
} from '../supervise/supervisor.ts'
import { type Become, elevate, type RunningElevated } from './elevated-command.ts'

export type { Become } from './elevated-command.ts'

/** The connector's connections, as another user. */
export const becomingConnector = (
  connector: Connector,
  become: Become,
  noise: (target: string, text: string) => void = () => {},
): Connector => ({
  descriptors: connector.descriptors,
  prepare: (targets, io) => connector.prepare(targets, io),
  connect: async (target, io) => {
    const connection = await connector.connect(target, io)
    return becoming(connection, target.name, become, text => noise(target.name, text))
  },
  [Symbol.asyncDispose]: () => connector[Symbol.asyncDispose](),
})

/** The connection, as another user; disposing it disposes the one below. `target` is its name, for messages. */
export const becoming = (
  connection: Connection,
  target: string,
  become: Become,
  noise: NoiseListener = () => {},
): Connection => {
  const exec: Connection['exec'] = async function* (command, io) {
    io.signal.throwIfAborted()
    const supervision = { line: command.line, login: command.login === true, mark: newMark() }
    const { main, watcher } = await (command.stdin
      ? withInput(connection, target, supervision, command.stdin, become, io)
      : withoutInput(connection, target, supervision, become, io))
    const end = () => {
      watcher.input.put('TERM\n')
      watcher.input.end()
    }
    if (io.signal.aborted) end()
    else io.signal.addEventListener('abort', end, { once: true })
    let over = false
    try {
      const exit = yield* afterMark(outputOf(main), supervision, target, noise)
      over = true
      return exit
    } finally {
      io.signal.removeEventListener('abort', end)
      if (!over) end()
      for (const { input, running } of new Set([main, watcher])) {
        input.end()
        await running.return(GONE)
      }
    }
  }
  return {
    timing: connection.timing,
    ...(connection.lost && { lost: connection.lost }),
    exec,
    read: (path, io) => readFileOver(exec, path, io),
    write: (path, content, attributes, io) => writeFileOver(exec, path, content, attributes, io),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}

const GONE: Exit = { kind: 'signal', signal: 'TERM' }

/** The command, and what has its lifeline for standard input. */
interface Started {
  readonly main: RunningElevated
  readonly watcher: RunningElevated
}

async function* outputOf({ early, running }: RunningElevated): AsyncGenerator<Output, Exit, void> {
  yield* early
  return yield* running
}

const withoutInput = async (
  connection: Connection,
  target: string,
  supervision: Supervised,
  become: Become,
  io: Abortable,
): Promise<Started> => {
  const main = await elevate(connection, target, supervisedArgument(supervision), become, io)
  return { main, watcher: main }
}

const withInput = async (
  connection: Connection,
  target: string,
  supervision: Supervised,
  stdin: AsyncIterable<Uint8Array>,
  become: Become,
  io: Abortable,
): Promise<Started> => {
  const { mark } = supervision
  const opened = await elevate(connection, target, announcedArgument(supervision), become, io)
  let watcher: RunningElevated | undefined
  const stop = () => opened.input.end()
  io.signal.addEventListener('abort', stop, { once: true })
  try {
    const { group, early } = await awaitMark(opened, 'stderr', announcement(mark), target)
    watcher = await elevate(connection, target, { script: lifeline(Number(group), mark) }, become, io)
    await awaitMark(watcher, 'stdout', watching(mark), target)
    opened.input.put('go\n')
    opened.input.follow(stdin)
    return { main: { ...opened, early }, watcher }
  } catch (thrown) {
    // Without its `go` the command never begins.
    for (const started of [opened, watcher]) {
      started?.input.end()
      await started?.running.return(GONE)
    }
    throw thrown
  } finally {
    io.signal.removeEventListener('abort', stop)
  }
}

/** Waits for a line on a stream; returns the first group of the pattern, and all else that has come until then. */
const awaitMark = async (
  { running, early }: RunningElevated,
  stream: Output['stream'],
  pattern: RegExp,
  target: string,
): Promise<{ readonly group: string; readonly early: readonly Output[] }> => {
  const others = early.filter(output => output.stream !== stream)
  let text = Buffer.concat(early.filter(output => output.stream === stream).map(output => output.data))
  for (;;) {
    // One byte a character, so that places in the text are places in the data.
    const found = pattern.exec(text.toString('latin1'))
    if (found) {
      const rest = [text.subarray(0, found.index), text.subarray(found.index + found[0].length)]
      const data = rest.filter(piece => piece.length > 0)
      return { group: found[1] as string, early: [...others, ...data.map(data => ({ stream, data }))] }
    }
    const step = await running.next()
    if (step.done) {
      const words = [...others.map(output => output.data), text]
      const why = Buffer.concat(words).toString().trim().split('\n').at(-1)
      throw new StokerError('CONNECTION_LOST', target, `the command could not be started: ${why || 'it ended'}`)
    }
    if (step.value.stream === stream) text = Buffer.concat([text, step.value.data])
    else others.push(step.value)
  }
}
