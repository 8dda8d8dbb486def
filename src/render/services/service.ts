/** The seam of renders: what a service reads, how its own checker is called, and how it takes a change. */
import type { Site } from '../data/model.ts'

/** One file which a service reads, rendered. */
export interface RenderedFile {
  /** Absolute. */
  readonly path: string
  readonly text: string
  /** Permission bits for a file which is new; one that is there keeps its own. */
  readonly mode: number
  /** What a change of this file asks of the service. `none`: whoever reads it reads it anew each time. */
  readonly onChange: 'restart' | 'reload' | 'none'
  /** The daemon's own check of this file: the words to run, with the candidate's path, which lies in the same folder. */
  readonly check?: (candidate: string) => readonly string[]
  /** Text which differs at every turn without meaning anything, such as a zone's serial: replaced before comparing. */
  readonly settle?: Settle
  /** The template's line for each line of `text` (before `settle`), from 1; absent where there is no template. */
  readonly template?: { readonly name: string; lineOf(line: number): number | undefined }
}

/**
 * A part of the text which follows from the file before: a zone's serial counts up when anything else has changed. Returns the
 * final text; `before` is the live file's, when there is one. Equal meaning gives the same bytes as `before`.
 */
export type Settle = (text: string, before: string | undefined, now: Date) => string

/** The text of a template by its file's name, `dhcpd.conf.hbs`: the site's own when it has one, else the one in `templates/`. */
export type TemplateTexts = (name: string) => Promise<{ readonly name: string; readonly text: string }>

export interface Service {
  /** What stands after `stoker render`. */
  readonly name: string
  readonly summary: string
  /** Whether it needs to know the groups. */
  readonly groups: boolean
  /** Parses the render's own settings of `stoker.yaml`; throws `CONFIG` naming a wrong one. */
  configure(settings: Readonly<Record<string, unknown>>): ConfiguredService
}

export interface ConfiguredService {
  /** The files for this site. The same site gives the same bytes. Throws `CONFIG` where a value does not fit a format. */
  files(site: Site, templates: TemplateTexts): Promise<readonly RenderedFile[]>
  /** The commands which make the running service take a change; absent: nothing has to be done. */
  readonly reload?: readonly string[]
  readonly restart?: readonly string[]
}
