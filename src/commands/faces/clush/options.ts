/** What can be asked of `stoker clush`: the flags of clush(1), parsed. */
import type { Verbosity } from '../../../report/faces/clush/format.ts'

/** What is to be done: run a line (none given: be asked for lines), copy there, or copy back. */
export type ClushTask =
  | { readonly kind: 'command'; readonly words: readonly string[] }
  | { readonly kind: 'copy' | 'rcopy'; readonly paths: readonly string[] }

export type When = '' | 'never' | 'always' | 'auto'

export interface ClushOptions {
  /** `-w`, each a node set; `-` is read from standard input. */
  readonly nodes: readonly string[]
  readonly exclude: readonly string[]
  readonly all: boolean
  /** Names of groups, without `@`. */
  readonly groups: readonly string[]
  readonly excludeGroups: readonly string[]
  readonly hostFiles: readonly string[]
  readonly pick: number | undefined
  readonly groupSource: string | undefined
  readonly groupsConf: string | undefined
  /** Instead of the usual clush.conf. */
  readonly conf: string | undefined
  /** Values of clush.conf which the command line gives, the later ones last. */
  readonly settings: readonly (readonly [key: string, value: string])[]
  readonly mode: string | undefined
  readonly stdin: boolean
  readonly gather: boolean
  readonly gatherAll: boolean
  readonly byLine: boolean
  readonly diff: boolean
  readonly label: boolean
  readonly regroup: boolean
  readonly groupBase: boolean
  readonly progress: boolean
  readonly colour: When
  readonly outdir: string | undefined
  readonly errdir: string | undefined
  readonly task: ClushTask
  readonly dest: string | undefined
  readonly preserve: boolean
  /** `exec`: here, once for each node. */
  readonly worker: 'ssh' | 'exec'
  /** All words, for the journal. */
  readonly argv: readonly string[]
}

/** What `clush.conf`, its mode and the command line come to. */
export interface ClushSettings {
  readonly fanout: number
  /** Milliseconds; 0: no limit. */
  readonly connectTimeout: number
  readonly commandTimeout: number
  readonly colour: When
  readonly verbosity: Verbosity
  readonly counts: boolean
  readonly worst: boolean
  readonly user: string | undefined
  /** Words for ssh, and for scp where those are others. */
  readonly sshOptions: readonly string[]
  readonly scpOptions: readonly string[] | undefined
  /** Words which come before those of each command. */
  readonly prefix: readonly string[]
  /** Whether a password is asked for, which each command gets as the first line of its input. */
  readonly asksPassword: boolean
}
