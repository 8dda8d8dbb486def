/** What people type after `copy` who know cp(1), scp and rsync: `FILE... DEST [KEY=VALUE...]`. Pure. */
import { StokerError } from '../../../src/base/errors.ts'
import { shown } from '../../../src/base/names.ts'
import { optionWords } from '../../../src/run/actor-options.ts'

const OPTION = /^[a-z][a-z-]*=/

/** Words as options. A file whose name looks like an option is `./a=b`. Throws `ACTOR_OPTION`. */
export const copyWords = (words: readonly string[]): Readonly<Record<string, unknown>> => {
  const options = optionWords(
    'copy',
    words.filter(word => OPTION.test(word)),
  )
  const places = words.filter(word => !OPTION.test(word))
  const flag = places.find(word => /^-./.test(word))
  if (flag !== undefined) throw new StokerError('ACTOR_OPTION', flag, `actor copy: ${insteadOf(flag)}`)
  if (places.length === 0) return options
  const given = ['source', 'dest'].find(name => options[name] !== undefined)
  const [dest, sources] = [places.at(-1), places.slice(0, -1)]
  if (dest !== undefined && sources.length > 0 && given === undefined) return { ...options, source: sources, dest }
  const why = given === undefined ? `where ${shown(dest ?? '')} shall go is missing` : `it has ${given}= as well`
  throw new StokerError('ACTOR_OPTION', 'copy', `actor copy takes FILE... DEST, or source=FILE dest=DEST: ${why}`)
}

const insteadOf = (flag: string): string => {
  const hints: Readonly<Record<string, string>> = {
    p: 'times=true keeps times; modes are kept anyway',
    t: 'times=true keeps times',
    r: 'folders are copied with all that is in them',
    R: 'folders are copied with all that is in them',
    a: 'folders are copied with all that is in them, modes and links are kept; times=true keeps times',
  }
  const known = /^-[a-zA-Z]+$/.test(flag) ? [...flag.slice(1)].flatMap(letter => hints[letter] ?? []) : []
  const unique = [...new Set(known)]
  return `there is no ${shown(flag)}${unique.length > 0 ? `: ${unique.join('; ')}` : '; options are KEY=VALUE, and a file of that name is ./-...'}`
}
