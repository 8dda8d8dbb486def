/** What can be asked of `stoker pdsh`: the flags of pdsh(1) and its variables of the environment, parsed. */

/** Where hosts come from, or what chooses among them. */
export type HostSource =
  | {
      readonly kind: 'hosts'
      /** `n[1-3]` */
      readonly text: string
      readonly user: string | undefined
    }
  /** One host list a line; `-` is standard input. */
  | { readonly kind: 'file'; readonly path: string }
  /** Hosts which match stay, or go. */
  | { readonly kind: 'regex'; readonly source: string }

/** One item of a host list, as `-w` and `-x` have it. */
export type HostItem = HostSource & { readonly excluded: boolean }

export interface PdshOptions {
  readonly hosts: readonly HostItem[]
  /** WCOLL: read when nothing else names a host. */
  readonly fallback: string | undefined
  /** Each a query: an attribute, `attribute=value`, or several with `||`, `&&`, `--`, `~` and parentheses. */
  readonly groups: readonly string[]
  readonly excludeGroups: readonly string[]
  /** `-A` is all; `-a` all but those with the attribute pdsh_all_skip. */
  readonly all: 'none' | 'all' | 'without pdsh_all_skip'
  /** Where groups come from when there is no configuration of stoker's. */
  readonly groupFiles: {
    /** `-F`, PDSH_GENDERS_FILE: whether it was asked for, and where it is. */
    readonly genders: string
    readonly isGiven: boolean
    /** Folders with a file for each dsh group. */
    readonly dshFolders: readonly string[]
    /** `-M`. */
    readonly module: 'genders' | 'dshgroup' | undefined
  }
  /** `-i`: the other names of genders nodes than usual. */
  readonly translate: boolean
  readonly fanout: number
  /** Seconds; 0: no limit. */
  readonly connectTimeout: number
  readonly commandTimeout: number
  readonly user: string | undefined
  readonly rcmd: 'ssh' | 'exec'
  /** Words for ssh. */
  readonly sshWords: readonly string[]
  /** DSHPATH: the PATH of commands. */
  readonly path: string | undefined
  /** `-b`: the first Ctrl-C ends all. */
  readonly batch: boolean
  readonly labels: boolean
  /** `-K`: names stay whole in labels. */
  readonly domains: boolean
  readonly worst: boolean
  readonly debug: boolean
  /** `-q`, `-Q`: show what would be done, and do nothing. */
  readonly info: 'none' | 'folded' | 'expanded'
  readonly words: readonly string[]
  /** All words, for the journal. */
  readonly argv: readonly string[]
}
