/** Where runs are kept: one file each, the newest has the last name. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { userFolder } from '../base/folders.ts'

/** `$XDG_STATE_HOME/stoker/runs`, else below `~/.local/state`. */
export const journalFolder = (env: NodeJS.ProcessEnv): string => join(userFolder('state', { env }), 'stoker', 'runs')

/** `20261121-105830-k7qz4`: in the order of time (UTC), to the millisecond, and no two alike. */
export const newRunId = (now: Date): string => {
  const [day = '', time = ''] = now.toISOString().split('T')
  const milliseconds = now.getUTCMilliseconds()
  const letters = [milliseconds >> 5, milliseconds, ...randomBytes(3)].map(number => LETTERS[number & 31]).join('')
  return `${day.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${letters}`
}

/** In the order of their codes. */
const LETTERS = '23456789abcdefghijkmnpqrstuvwxyz'

const ID = /^\d{8}-\d{6}-[2-9a-z]{4,5}$/

/** The file of a run; `undefined` when the text is no id, and so no name of a file. */
export const runFile = (folder: string, id: string): string | undefined =>
  ID.test(id) ? join(folder, `${id}.jsonl`) : undefined

/** The id in a file's name. */
export const idOfFile = (name: string): string | undefined => {
  const id = name.replace(/\.jsonl$/, '')
  return name.endsWith('.jsonl') && ID.test(id) ? id : undefined
}
