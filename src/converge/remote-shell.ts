/**
 * A shell which stays open on a connection, so that what is asked of it costs one round trip. A command with an input of its
 * own costs more: the connection opens a second channel for each.
 */
import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import type { Connection, Exit, Output } from '../connection/connection.ts'

/** How long a shell may take to end after its input has ended: something it started holds its output open. */
const EXIT_GRACE_MS = 1_000

const shells = new WeakMap<Connection, RemoteShell>()

/**
 * The same connection, with one shell for all batches on it: opened when a batch must not be seen in lists of processes, and
 * ended when this is disposed. `io` is for everything that is ever run in it.
 */
export const withShell = (connection: Connection, io: Abortable): Connection => {
  const shell = new RemoteShell(connection, io)
  const kept: Connection = {
    timing: connection.timing,
    exec: (command, io) => connection.exec(command, io),
    read: (path, io) => connection.read(path, io),
    write: (path, content, attributes, io) => connection.write(path, content, attributes, io),
    async [Symbol.asyncDispose]() {
      try {
        await shell.close()
      } finally {
        await connection[Symbol.asyncDispose]()
      }
    },
  }
  shells.set(kept, shell)
  return kept
}

/** The connection's shell, where it has one which nobody is using. */
export const freeShell = (connection: Connection): RemoteShell | undefined => {
  const shell = shells.get(connection)
  return shell?.isBusy ? undefined : shell
}

interface OpenShell {
  readonly input: ScriptQueue
  readonly running: AsyncGenerator<Output, Exit, void>
  readonly stop: AbortController
}

/** Reads scripts from its standard input: see `withShell`. */
export class RemoteShell {
  readonly #connection: Connection
  readonly #io: Abortable
  #open: OpenShell | undefined
  #busy = false

  constructor(connection: Connection, io: Abortable) {
    this.#connection = connection
    this.#io = io
  }

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  get isBusy(): boolean {
    return this.#busy
  }

  /**
   * Runs a script, after `prelude` when the shell is new, and yields all output until `done`; each is one compound command.
   * Returns how the shell ended, if it did. Throws what the connection throws. Whoever stops reading early ends the shell.
   */
  async *run(prelude: string, script: string, done: () => boolean): AsyncGenerator<Output, Exit | undefined, void> {
    this.#busy = true
    try {
      this.#open ??= this.#start(prelude)
      const { input, running } = this.#open
      input.put(script)
      while (!done()) {
        const step = await running.next()
        if (step.done) {
          this.#open = undefined
          return step.value
        }
        yield step.value
      }
      return undefined
    } finally {
      // Left in the middle: what it still has to say would be taken for the next answer.
      if (!done()) await this.#end('now')
      this.#busy = false
    }
  }

  /** Ends the shell. */
  async close(): Promise<void> {
    await this.#end('soon')
  }

  #start(prelude: string): OpenShell {
    const stop = new AbortController()
    const input = new ScriptQueue()
    input.put(prelude)
    const signal = AbortSignal.any([this.#io.signal, stop.signal])
    return { input, stop, running: this.#connection.exec({ line: 'exec /bin/sh', stdin: input.chunks() }, { signal }) }
  }

  async #end(when: 'now' | 'soon'): Promise<void> {
    const open = this.#open
    this.#open = undefined
    if (!open) return
    open.input.end()
    const stop = () => open.stop.abort(new StokerError('CANCELLED', 'shell', 'it is not needed any more'))
    const timer = setTimeout(stop, when === 'now' ? 0 : EXIT_GRACE_MS)
    try {
      while (!(await open.running.next()).done) {
        // what comes now is for nobody
      }
    } catch {
      // Stopped by us, or lost with the connection: it is over, and that is all that is wanted here.
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Scripts on their way to the shell. */
class ScriptQueue {
  #waiting: string[] = []
  #ended = false
  #wake = () => {}

  put(text: string): void {
    this.#waiting.push(text)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const texts = this.#waiting
      this.#waiting = []
      if (texts.length > 0) yield Buffer.from(texts.join(''))
      else if (this.#ended) return
      else
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
    }
  }
}
