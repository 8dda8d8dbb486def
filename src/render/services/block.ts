/** A file which belongs to several: ours is what stands between two lines of it, and all else stays as it is. Pure. */
import { StokerError } from '../../base/errors.ts'
import type { Settle } from './service.ts'

/**
 * Puts the text in the place of the block, or at the file's end when there is none yet; a file which is not there begins with
 * `start`. Throws `CONFIG` when somebody has taken one of the two lines away.
 */
export const settleBlock = (render: string, path: string, start: string): Settle => {
  const first = `# >>> stoker render ${render} >>>\n`
  const last = `# <<< stoker render ${render} <<<\n`
  return (text, file) => {
    const block = `${first}${text}${last}`
    if (file === undefined) return `${start}${block}`
    if (file.includes('\ufffd')) throw refused(path, 'has bytes which are not UTF-8; write those lines anew')
    const whole = file === '' || file.endsWith('\n') ? file : `${file}\n`
    const [from, ...moreFirst] = startsOf(whole, first)
    const [to, ...moreLast] = startsOf(whole, last)
    if (from === undefined && to === undefined) return `${whole}${block}`
    if (from === undefined || to === undefined || to < from || moreFirst.length + moreLast.length > 0)
      throw refused(
        path,
        `does not have just one line "${first.trim()}" and after it "${last.trim()}"; take out what is left of them, with what is between`,
      )
    return whole.slice(0, from) + block + whole.slice(to + last.length)
  }
}

/** Where in the file the line stands. */
const startsOf = (file: string, line: string): readonly number[] => {
  const found: number[] = []
  for (let at = file.indexOf(line); at >= 0; at = file.indexOf(line, at + 1))
    if (at === 0 || file[at - 1] === '\n') found.push(at)
  return found
}

const refused = (path: string, what: string): StokerError => new StokerError('CONFIG', path, `${path}: ${what}`)
