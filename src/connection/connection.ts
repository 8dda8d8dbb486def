/** The seam "how": a connection is an open way to one target. `ssh` and `local` pass one contract test. */
import type { Abortable } from '../base/abortable.ts'
import type { Target } from '../inventory/target.ts'

/** What to run: a line of POSIX shell, whichever login shell the user has on the target. */
export interface Command {
  readonly line: string
  /** Gives the line to the user's login shell instead, as `ssh host line` does: for what a person has typed. */
  readonly login?: boolean
  /** Bytes for the command's standard input; without it the input is empty. */
  readonly stdin?: AsyncIterable<Uint8Array>
  /**
   * The line watches over what it starts by itself: it ends all of that when its input ends. Nothing else will, and no signal
   * is sent to it; an abort has to end the input.
   */
  readonly watchesItself?: boolean
}

/** A piece of a target's output, as it came: not split at lines, not decoded. */
export interface Output {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Uint8Array
}

/** How a command ended. */
export type Exit =
  | { readonly kind: 'code'; readonly code: number }
  /** Ended by a signal; `signal` without `SIG`: `KILL`. */
  | { readonly kind: 'signal'; readonly signal: string }

/** Wanted attributes of a written file. Owner and group stay the login user's unless given. */
export interface FileAttributes {
  /** Permission bits, such as 0o644. */
  readonly mode?: number
  readonly owner?: string
  readonly group?: string
}

export interface Connection extends AsyncDisposable {
  /** Milliseconds which the opening took. */
  readonly timing: { readonly connect?: number; readonly auth?: number }
  /** Aborts when the connection has ended, where it is known without a command being run. */
  readonly lost?: AbortSignal
  /**
   * Runs a command, yields its output as it comes and returns how it ended. When the signal aborts, the command's
   * process group on the target is ended before this throws the signal's reason; the same happens on the target when the
   * connection is lost, which throws `CONNECTION_LOST`.
   */
  exec(command: Command, io: Abortable): AsyncGenerator<Output, Exit, void>
  /** A file's bytes; `undefined` when there is no such file. Throws `ACTOR_FAILED` when it cannot be read. */
  read(path: string, io: Abortable): Promise<Uint8Array | undefined>
  /** Writes a whole file atomically: beside the target, synced, renamed over. On failure the old file stays. */
  write(
    path: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    attributes: FileAttributes,
    io: Abortable,
  ): Promise<void>
}

/** Opens connections of one kind; owns what they share (agent, bastions, known hosts). */
export interface Connector extends AsyncDisposable {
  /** File descriptors which one open connection takes on this machine. */
  readonly descriptors: number
  /** Milliseconds for opening this target's connection, where something says so that counts before the run's own limit; 0: none. */
  timeLimit?(target: Target): number | undefined
  /** Does what all targets share and people are asked for (passphrases), before any target's time runs. */
  prepare(targets: readonly Target[], io: Abortable): Promise<void>
  /** Throws `CONNECT_FAILED`, `HOST_KEY_UNKNOWN`, `HOST_KEY_CHANGED` or `AUTH_FAILED`. */
  connect(target: Target, io: Opening): Promise<Connection>
}

/** The limits of an opening. */
export interface Opening extends Abortable {
  /** Called when the target is not tried at all for a while, for the sake of others; what it takes until disposed does not count. */
  readonly waits?: () => Disposable
}
