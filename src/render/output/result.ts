/** The result of a render. */
import type { StokerError } from '../../base/errors.ts'
import type { Problem } from '../data/problem.ts'
import type { RenderedFile } from '../services/service.ts'

/** A file's part in a result: whether its bytes differ from those of the live file. */
export interface FileResult {
  /** The path which the service reads; where it is a link, the link stays. */
  readonly path: string
  readonly change: 'same' | 'new' | 'changed'
  readonly onChange: RenderedFile['onChange']
  /** As `diff -u` prints it, when that was asked for. */
  readonly diff?: string
}

/** Whether the running service has taken the change. */
export type ReloadStatus =
  /** There was nothing to take. */
  | { readonly kind: 'none' }
  /** `output`: what the command printed. */
  | { readonly kind: 'done'; readonly action: Action; readonly words: readonly string[]; readonly output: string }
  /** It is still to be done, and the next render does it; `words` are what it will run. */
  | { readonly kind: 'pending'; readonly action: Action; readonly words: readonly string[] }
  /** The command failed. It stays pending. */
  | { readonly kind: 'failed'; readonly action: Action; readonly words: readonly string[]; readonly error: StokerError }

/** A restart is a reload and more. */
export type Action = 'reload' | 'restart'

/** How much there is in what was rendered. */
export interface Size {
  readonly hosts: number
  readonly networks: number
}

/** The files which were good when the source last answered. */
export interface LastGood extends Size, LiveFiles {
  /** Their paths. */
  readonly files: readonly string[]
}

/** Live files which a service can start with. */
export interface LiveFiles {
  /** When the source last confirmed them, in milliseconds since 1970; where that is not known, when they were written. */
  readonly at: number
}

interface Rendered {
  readonly name: string
  /** `undefined`: what is put back by a rollback is not counted. */
  readonly size: Size | undefined
  readonly problems: readonly Problem[]
  readonly files: readonly FileResult[]
}

export type RenderResult =
  /** The live files are as the data wants them; nothing was touched. */
  | (Rendered & { readonly kind: 'same'; readonly reload: ReloadStatus })
  | (Rendered & { readonly kind: 'written'; readonly reload: ReloadStatus })
  /** Nothing was to be changed; it would be, with this action of the service. */
  | (Rendered & { readonly kind: 'would-change'; readonly action: Action | 'none' })
  /** The source is down, slow, suddenly empty or shrunk, or another render is in the way: the live files stay. */
  | {
      readonly kind: 'kept'
      readonly name: string
      readonly reason: 'down' | 'slow' | 'empty' | 'shrunk' | 'busy'
      readonly problems: readonly Problem[]
      readonly error: StokerError
      readonly last: LiveFiles | undefined
    }
  /** The data, a template or the daemon's own check say no, or a file could not be written: the live files stay. */
  | {
      readonly kind: 'refused'
      readonly name: string
      readonly problems: readonly Problem[]
      readonly error: StokerError
      readonly last: LiveFiles | undefined
    }

/** The exit code of `stoker render` for this result. */
export const exitCodeOfRender = (result: RenderResult): 0 | 1 | 2 | 3 | 4 | 10 => {
  switch (result.kind) {
    case 'same':
    case 'written':
      return result.reload.kind === 'failed' ? 1 : 0
    case 'would-change':
      return 10
    case 'kept':
      return result.last ? 4 : 3
    case 'refused':
      return result.error.code === 'CONFIG' ? 2 : 1
    default:
      throw new Error(`unknown result: ${result satisfies never}`)
  }
}
