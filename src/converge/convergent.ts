/**
 * The seam of convergent actors: a desired state, a probe of the target, and a plan of what is missing. The core moves everything
 * to and from the target, so that the probes of many resources travel in one round trip, checking and applying are one code,
 * and the same actor serves `stoker run`, `stoker apply` and the agent. See Burgess on convergence (cfengine).
 */
import type { Abortable } from '../base/abortable.ts'
import type { OptionsSchema } from '../config/options-schema.ts'
import type { FileAttributes } from '../connection/connection.ts'
import type { Content } from './content.ts'

/**
 * `O`: the parsed options. `D`: the desired state of one target, with all that was read on this side. An actor of the kind is one
 * file which exports `convergent({...})`.
 */
export interface Convergent<O, D = O> {
  readonly name: string
  /** One line for help texts. */
  readonly summary: string
  /** The options, each with a description: documentation and editors' completion are made of it. Texts of a command line fit, too. */
  readonly schema: OptionsSchema<O>
  /** What tells this resource from others of its kind, for reports: a path, a package's name. */
  subject(options: O): string
  /** The files on this side which `desiredState` reads with `materials`; without it they are missed when a target's turn comes. */
  sources?(options: O): readonly string[]
  /** What is wanted on one target. Reads sources here; the target is not asked anything. Throws `ACTOR_OPTION` or `CONFIG`. */
  desiredState(options: O, materials: Materials): Promise<D>
  /**
   * A POSIX sh script which changes nothing and prints what `plan` has to know. It has no standard input, LC_ALL is C, and
   * the folders of root's programs are in PATH. An exit code other than 0 says that the probe failed; the last line on
   * standard error tells why. Values are quoted with `quote`. The target's list of processes may show it: no secrets here.
   */
  probe(desiredState: D, options: ProbeOptions): string
  /** What is missing on the target, by what `probe` printed. Pure. */
  plan(desiredState: D, result: ProbeResult): Plan
}

export interface ProbeOptions {
  /** Whether differences will be shown, so that the present content of files has to be read. */
  readonly diff: boolean
}

/** What a probe printed. */
export interface ProbeResult {
  readonly stdout: Uint8Array
  readonly stderr: string
}

export type Plan =
  /** Nothing is missing. */
  | { readonly kind: 'converged'; readonly detail?: string }
  /** At least one change, to be made in order; the first that fails ends the resource. */
  | { readonly kind: 'change'; readonly changes: readonly Change[] }
  /** It cannot be had: `/srv is a directory, and not empty`. */
  | { readonly kind: 'impossible'; readonly reason: string }

export interface Change {
  /** What is done, in a few words and without secrets: `mode 0644 -> 0600`, `install nginx`. */
  readonly what: string
  /** The text before and after, where the change is one of text. */
  readonly diff?: TextChange
  readonly steps: readonly Step[]
}

export interface TextChange {
  readonly path: string
  /** `undefined`: there is no such file. */
  readonly before: Uint8Array | undefined
  readonly after: Uint8Array | undefined
  /** Shown only to who asks for secrets: the file is not for everybody's eyes. */
  readonly secret: boolean
}

export type Step =
  /**
   * A POSIX sh script which has to end with 0, run as a probe is, but by standard input, so that it is in no list of processes:
   * what must not be seen goes to programs by their standard input, as a here-document. `show`: its output is part of the
   * result, and its exit code is that of the action; LC_ALL stays the login user's.
   */
  | { readonly kind: 'run'; readonly script: string; readonly show?: boolean }
  /** A whole file, atomically. */
  | { readonly kind: 'write'; readonly path: string; readonly content: Content; readonly attributes: FileAttributes }

/** What an actor may read on this side, on behalf of one target. */
export interface Materials extends Abortable {
  /** A source file: of the policy's `files/`, or relative to the working directory. Throws `CONFIG` naming it when it is not there. */
  file(name: string): Promise<Content>
  /** The text of a template file (of `templates/`, or relative to the working directory), with this target's values in it. */
  template(name: string): Promise<string>
  /** The text given, as a template, with this target's values in it; `name` stands in messages. */
  render(name: string, text: string): Promise<string>
}
