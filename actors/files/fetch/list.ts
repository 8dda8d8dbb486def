/** Which files of a target a folder or a pattern means. What the target answers is not believed: see `parseList`. */
import { dirname, normalize } from 'node:path'
import { StokerError } from '../../../src/base/errors.ts'
import { quote } from '../../../src/base/quote.ts'
import type { Connection } from '../../../src/connection/connection.ts'
import type { Job } from '../../../src/run/actor.ts'

export interface ListedFile {
  /** On the target, absolute. */
  readonly path: string
  /** The path from the folder on in which the folder, or what the pattern matches, lies. */
  readonly name: string
}

/** Bytes of names; a target which sends more is not listened to. */
const MAX_BYTES = 64 * 1024 * 1024

/** Whether the path may be a pattern, as sh(1) has them: `*`, `?`, `[...]`. */
export const isPattern = (path: string): boolean => /[*?[]/.test(path)

/** What is asked for. */
export interface Wanted {
  readonly source: string
  readonly isPattern: boolean
}

/** Asks the target. Throws `ACTOR_FAILED` when something cannot be read, or the answer makes no sense. */
export const listFiles = async (connection: Connection, wanted: Wanted, job: Job): Promise<readonly ListedFile[]> => {
  const { source } = wanted
  const parts: Uint8Array[] = []
  let size = 0
  let complaint = ''
  const failed = (why: string) => new StokerError('ACTOR_FAILED', source, `cannot fetch ${source}: ${why}`)
  const running = connection.exec({ line: script(wanted) }, job)
  try {
    for (;;) {
      const step = await running.next()
      if (step.done) {
        if (step.value.kind === 'code' && step.value.code === 0) break
        throw failed(complaint.trim().split('\n').at(-1) || 'its names cannot be read')
      }
      const { stream, data } = step.value
      if (stream === 'stderr') complaint = (complaint + Buffer.from(data).toString()).slice(-4096)
      else {
        parts.push(data)
        size += data.length
        if (size > MAX_BYTES) throw failed('it names too many files')
      }
    }
  } finally {
    await running.return({ kind: 'signal', signal: 'TERM' })
  }
  const list = parseList(Buffer.concat(parts), wanted)
  if (typeof list === 'string') throw failed(list)
  return list
}

/**
 * The answer: what matches, an empty name, and the files. Each has to be what can match or below it, with no `..` in it;
 * text says what is wrong with the answer. Pure.
 */
export const parseList = (stdout: Uint8Array, wanted: Wanted): readonly ListedFile[] | string => {
  const bytes = Buffer.from(stdout)
  const text = bytes.toString()
  if (!Buffer.from(text).equals(bytes)) return 'there is a name in it which is not UTF-8'
  const names = text.split('\0')
  const isWhole = names.pop() === ''
  const end = names.indexOf('')
  if (!isWhole || end < 0) return 'the list of its files is incomplete'
  const matches = new Set(names.slice(0, end).map(normalize))
  if (![...matches].every(match => mayMatch(match, wanted))) return FOREIGN
  const listed: ListedFile[] = []
  for (const name of names.slice(end + 1)) {
    const path = normalize(name)
    const match = ancestors(path).find(one => matches.has(one))
    if (match === undefined || !path.startsWith('/') || name.split('/').includes('..')) return FOREIGN
    listed.push({ path, name: path.slice(match === '/' || dirname(match) === '/' ? 1 : dirname(match).length + 1) })
  }
  return listed
}

const FOREIGN = 'the target names files which were not asked for'

/** A pattern's stars match no slash; before the first of them all is as it stands. */
const mayMatch = (match: string, { source, isPattern }: Wanted): boolean => {
  if (!isPattern) return match === normalize(source)
  const isAsDeep = match.split('/').length === normalize(source).split('/').length
  return isAsDeep && match.startsWith(source.slice(0, source.search(/[*?[]/))) && !match.split('/').includes('..')
}

/** The path and all that is above it, the nearest last. */
const ancestors = (path: string): readonly string[] => {
  const steps = path.split('/').slice(1)
  return ['/', ...steps.map((_, i) => `/${steps.slice(0, i + 1).join('/')}`)]
}

/** Links in a folder are passed over: they may lead anywhere, and in circles. */
const script = ({ source, isPattern }: Wanted): string => `set -- ${isPattern ? words(source) : quote(source)}
for f do [ ! -e "$f" ] || printf '%s\\0' "$f"; done
printf '\\0'
for f do
if [ -d "$f" ]; then find "$f/" -type f -print0 || exit
elif [ -f "$f" ]; then printf '%s\\0' "$f"
fi
done
`

/** The pattern for the shell: what is special in a pattern stands outside of quotes, and all else within. */
const words = (pattern: string): string =>
  pattern
    .split(/(\*|\?|\[[!^]?\]?[\w\].,:@%+=-]*\])/)
    .map((part, i) => (i % 2 === 1 ? part : part === '' ? '' : quote(part)))
    .join('')
