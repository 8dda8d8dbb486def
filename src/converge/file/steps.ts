/** The steps by which files, directories and links come to be, change and go. Pure. */
import { quote } from '../../base/quote.ts'
import { type Content, contentOf } from '../content.ts'
import type { Step } from '../convergent.ts'
import { type Below, octal } from './probe.ts'

export const run = (script: string): Step => ({ kind: 'run', script })

export interface Attributes {
  /** Permission bits. */
  readonly mode?: number | undefined
  /** Names or numbers. */
  readonly owner?: string | undefined
  readonly group?: string | undefined
}

/** Gives a path its owner and mode; nothing where neither is given. `link`: the link itself, not what it leads to. */
export const setAttributes = (path: string, { mode, owner, group }: Attributes, link = false): readonly Step[] => {
  const who = ownership(owner, group)
  const script = [
    ...(who === undefined ? [] : [`chown ${link ? '-h ' : ''}${who} ${quote(path)}`]),
    ...(mode === undefined || link ? [] : [`chmod ${absolute(mode)} ${quote(path)}`]),
  ]
  return script.length === 0 ? [] : [run(script.join(' && '))]
}

/** The same for everything below a directory, where it deviates. */
export const setBelow = (path: string, below: Below, { owner, group }: Attributes): Step => {
  const all = `find ${quote(`${path}/.`)} ! -name .`
  const who = ownership(owner, group)
  const wrong = [
    ...(owner === undefined ? [] : [`! -user ${quote(owner)}`]),
    ...(group === undefined ? [] : [`! -group ${quote(group)}`]),
  ].join(' -o ')
  const chmod = (type: 'd' | 'f', mode: number | undefined) =>
    mode === undefined ? [] : [`${all} -type ${type} ! -perm ${octal(mode)} -exec chmod ${absolute(mode)} {} +`]
  return run(
    [
      ...(who === undefined ? [] : [`${all} '(' ${wrong} ')' -exec chown -h ${who} {} +`]),
      ...chmod('d', below.directoryMode),
      ...chmod('f', below.fileMode),
    ].join(' && '),
  )
}

const ownership = (owner: string | undefined, group: string | undefined): string | undefined =>
  owner === undefined && group === undefined
    ? undefined
    : quote(`${owner ?? ''}${group === undefined ? '' : `:${group}`}`)

/** With fewer than five digits, GNU's chmod leaves set-group-id on directories as it was. */
const absolute = (mode: number): string => `0${octal(mode)}`

/** A whole file; without a content an empty one. */
export const writeFile = (path: string, content: Content | undefined, { mode, owner, group }: Attributes): Step => ({
  kind: 'write',
  path,
  content: content ?? contentOf(''),
  attributes: {
    ...(mode !== undefined && { mode }),
    ...(owner !== undefined && { owner }),
    ...(group !== undefined && { group }),
  },
})

/**
 * A link in the place of what is there, which is no directory. It is made beside and renamed over, so that there is one at
 * every moment. Where mv does not know -T, the old link goes first.
 */
export const makeLink = (path: string, target: string): Step => {
  const [to, at, beside] = [target, path, `${path}.stoker-link`].map(quote)
  return run(
    `ln -sfn ${to} ${beside} && { mv -fT ${beside} ${at} 2>/dev/null || { rm -f ${beside}; ln -sfn ${to} ${at}; }; }`,
  )
}

/** The folder of a path has to be there; that it is not is said better by us than by mktemp. */
export const needFolder = (path: string): Step => {
  const folder = path.slice(0, path.lastIndexOf('/')) || '/'
  const message = `there is no folder ${folder}; the actor file makes it, with state=directory`
  return run(`[ -d ${quote(folder)} ] || { printf '%s\\n' ${quote(message)} >&2; false; }`)
}

/** Renames what is there to a backup. */
export const moveAway = (path: string): Step => run(`${backupName(path)}; mv ${quote(path)} "$b"`)

/** Copies the file to a backup, with its times and modes. */
export const copyAside = (path: string): Step => run(`${backupName(path)}; cp -p ${quote(path)} "$b"`)

/** `NAME.20261231T235959Z~`, which most programs that read a folder of snippets pass over; never one which is there. */
const backupName = (path: string): string =>
  `s=$(date -u +%Y%m%dT%H%M%SZ) n=; b=${quote(path)}.$s~; ` +
  `while [ -e "$b" ] || [ -L "$b" ]; do n=$((n+1)); b=${quote(path)}.$s.$n~; done`
