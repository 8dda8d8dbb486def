/** What a render came to. */
import type { StokerError } from '../../base/errors.ts'
import type { Problem } from '../data/problem.ts'
import type { RenderedFile } from '../services/service.ts'

/** How a file is told of: whether its bytes differ from those of the live file. */
export interface FileResult {
  /** The path which the service reads; where it is a link, the link stays. */
  readonly path: string
  readonly change: 'same' | 'new' | 'changed'
  readonly onChange: RenderedFile['onChange']
  /** As `diff -u` tells it, when that was asked for. */
  readonly diff?: string
}

/** Whether the running service knows of the change. */
export type Telling =
  /** There was nothing to tell. */
  | { readonly kind: 'none' }
  /** `said`: what the command had to say. */
  | { readonly kind: 'done'; readonly action: Action; readonly words: readonly string[]; readonly said: string }
  /** It has to be told yet, and the next render does; `words` are what it will run. */
  | { readonly kind: 'owed'; readonly action: Action; readonly words: readonly string[] }
  /** The command failed. It stays owed. */
  | { readonly kind: 'failed'; readonly action: Action; readonly words: readonly string[]; readonly error: StokerError }

/** A restart is a reload and more. */
export type Action = 'reload' | 'restart'

/** How much there is in what was rendered. */
export interface Size {
  readonly hosts: number
  readonly networks: number
}

/** The files which were good when the source last answered. */
export interface LastGood extends Size, Good {
  /** Their paths. */
  readonly files: readonly string[]
}

/** Live files which a service can start with. */
export interface Good {
  /** When the source last confirmed them, in milliseconds since 1970; where that is not known, when they were written. */
  readonly at: number
}

interface Rendered {
  readonly name: string
  /** `undefined`: what is put back by a rollback is not looked into. */
  readonly size: Size | undefined
  readonly problems: readonly Problem[]
  readonly files: readonly FileResult[]
}

export type RenderResult =
  /** The live files are as the data wants them; nothing was touched. */
  | (Rendered & { readonly kind: 'same'; readonly telling: Telling })
  | (Rendered & { readonly kind: 'written'; readonly telling: Telling })
  /** Nothing was to be changed; it would be, and the service would be told so. */
  | (Rendered & { readonly kind: 'would-change'; readonly asks: Action | 'none' })
  /** The source is down, slow, suddenly empty or shrunk, or another render is in the way: the live files stay. */
  | {
      readonly kind: 'kept'
      readonly name: string
      readonly reason: 'down' | 'slow' | 'empty' | 'shrunk' | 'busy'
      readonly problems: readonly Problem[]
      readonly error: StokerError
      readonly last: Good | undefined
    }
  /** The data, a template or the daemon's own check say no, or a file could not be written: the live files stay. */
  | {
      readonly kind: 'refused'
      readonly name: string
      readonly problems: readonly Problem[]
      readonly error: StokerError
      readonly last: Good | undefined
    }

/** The exit code of `stoker render` for this result. */
export const exitCodeOfRender = (result: RenderResult): 0 | 1 | 2 | 3 | 4 | 10 => {
  switch (result.kind) {
    case 'same':
    case 'written':
      return result.telling.kind === 'failed' ? 1 : 0
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
