/** Keeps the working tree of a git repository at a branch, a tag or a commit. */
import * as z from 'zod'
import { shown } from '../../src/base/names.ts'
import { absolutePath, truth, wholeNumber } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import type { Plan } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { presence } from '../common/options.ts'
import { COMMIT, clearScript, cloneScript, probeScript, refsOf, removeScript, updateScript } from './git-scripts.ts'
import { CONVERGED, impossible, missingPrerequisite } from './text-file.ts'

const schema = mapping({
  dest: absolutePath
    .refine(path => path !== '/', 'is the root of everything')
    .describe(
      'The folder of the working tree; made when it is not there. It has to be empty, or a repository already.',
    ),
  repository: z
    .string()
    .regex(/^[^-\p{Cc}][^\p{Cc}]*$/u, 'expected a URL or a path, such as https://git.example.org/site.git')
    .refine(
      text => !/^\w+:\/\/[^/@]*:[^/@]*@/.test(text),
      'a password in a URL would be seen in lists of processes; give the target a key, or git a credential helper',
    )
    .optional()
    .describe(
      'Where it comes from: `https://...`, `ssh://git@host/path`, `git@host:path`, or a path on the target. The target itself fetches it, and never asks for a password.',
    ),
  revision: z
    .string()
    .regex(
      /^(?![-/.])(?!.*(\.\.|\/\/|@\{))[^\s~^:?*[\\\p{Cc}]+$/u,
      'expected a branch, a tag, or a whole commit number',
    )
    .default('HEAD')
    .describe(
      'A branch, a tag, or the 40 digits of a commit. A branch is followed: when it moves on, so does the working tree. Default: `HEAD`, the branch which the repository is on.',
    ),
  depth: wholeNumber(1, 1_000_000).optional().describe('How many commits of the history are fetched. Default: all.'),
  force: truth
    .default(false)
    .describe(
      'Whether local changes and commits are thrown away; else they are an error. Files which git does not know stay. Default: false.',
    ),
  state: presence.describe(
    '`present` (default): at that revision, on no branch (a detached HEAD). `absent` removes the folder.',
  ),
}).refine(({ state, repository }) => state === 'absent' || repository !== undefined, {
  path: ['repository'],
  error: 'is missing',
})
type Options = z.output<typeof schema>

interface ActualCheckout {
  readonly kind: string
  /** Whether somebody was killed before all was cleared away. */
  readonly isLeft: boolean
  readonly hasGit: boolean
  /** Whether a checkout was cut short. */
  readonly isUnderway: boolean
  readonly head: string
  readonly origin: string
  /** How many files have local changes, and the first of them. */
  readonly changed: string | undefined
  /** A commit which is nowhere but here. */
  readonly own: string
  /** Names in the repository, with their commits. */
  readonly remote: ReadonlyMap<string, string>
}

const parseProbe = (text: string): ActualCheckout => {
  const lines = text.split('\n')
  const all = (word: string) =>
    lines.flatMap(line => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []))
  // Warnings of git and of servers stand between the lines.
  const remote = all('remote').flatMap((line): [string, string][] => {
    const [, commit, name] = /^([0-9a-f]{40,64})\t(.*)$/.exec(line) ?? []
    return commit !== undefined && name !== undefined ? [[name, commit]] : []
  })
  return {
    kind: lines[0] ?? '',
    isLeft: lines.includes('left'),
    hasGit: !lines.includes('nogit'),
    isUnderway: all('underway')[0] === 'checkout',
    head: all('head')[0] ?? '',
    origin: all('origin')[0] ?? '',
    changed: all('changed')[0],
    own: all('own')[0] ?? '',
    remote: new Map(remote),
  }
}

/** Why what is in the folder must not be lost; `undefined` when nothing would be, or it may. */
const unsavedWork = ({ changed, own, isUnderway }: ActualCheckout, force: boolean): string | undefined => {
  if (force || isUnderway) return undefined
  const throwing = 'force=true throws that away'
  if (changed !== undefined) {
    const [, count, first = ''] = /^ *(\d+) (.*)$/.exec(changed) ?? []
    return `${count === '1' ? 'a file has local changes' : `${count} files have local changes`} (${shown(first)}${count === '1' ? '' : ' is one'}); ${throwing}`
  }
  return own === '' ? undefined : `there are local commits, such as ${short(own)}; ${throwing}`
}

const short = (commit: string): string => commit.slice(0, 10)

const plan = (options: Options, stdout: Uint8Array): Plan => {
  const { dest, repository = '', revision, state, force } = options
  const actual = parseProbe(Buffer.from(stdout).toString())
  if (actual.kind === 'other') return impossible('it is no folder')
  if (actual.kind === 'foreign') return impossible('there are files in it, and it is no git repository')
  const lost = unsavedWork(actual, force)
  const isThere = actual.kind === 'repository'
  if (state === 'absent') {
    if (!isThere)
      return actual.isLeft ? change('clear away what an interrupted run left', clearScript(dest)) : CONVERGED
    if (!actual.hasGit && !force)
      return impossible(
        'without git on the target nobody can tell whether there are local changes; force=true removes it',
      )
    return lost === undefined ? change('remove the folder', removeScript(dest)) : impossible(lost)
  }
  if (!actual.hasGit)
    return missingPrerequisite(`check out ${revision}, once there is git`, 'there is no git on the target')
  const name = refsOf(revision).find(ref => actual.remote.has(ref))
  const wanted = COMMIT.test(revision) ? revision : actual.remote.get(name ?? '')
  if (wanted === undefined) {
    if (revision === 'HEAD') return impossible(`${repository} is empty`)
    const hint = /^[0-9a-f]{7,}$/.test(revision) ? '; a commit has to be given with all its 40 digits' : ''
    return impossible(`there is no branch or tag ${revision} in ${repository}${hint}`)
  }
  if (!isThere) return change(`clone ${repository} at ${revision} (${short(wanted)})`, cloneScript(options, name))
  const isMoved = actual.origin !== repository
  if (actual.head === wanted && actual.changed === undefined && !isMoved && !actual.isUnderway) return CONVERGED
  if (lost !== undefined && !(actual.head === wanted && actual.changed === undefined)) return impossible(lost)
  const from = actual.head === '' ? 'nothing' : short(actual.head)
  const what = [
    ...(isMoved ? [`origin ${shown(actual.origin.replace(/\/\/[^/@]*@/, '//'))} -> ${repository}`] : []),
    ...(actual.head === wanted ? [] : [`check out ${revision}: ${from} -> ${short(wanted)}`]),
    ...(actual.isUnderway ? ['finish what was interrupted'] : []),
    ...(actual.changed !== undefined && !actual.isUnderway ? ['throw local changes away'] : []),
  ]
  return change(what.join(', '), updateScript(options, name, force || actual.isUnderway))
}

const change = (what: string, script: string): Plan => ({
  kind: 'change',
  changes: [{ what, steps: [{ kind: 'run', script }] }],
})

export const git = convergent<Options, Options>({
  name: 'git',
  summary: 'keep the working tree of a git repository at a revision',
  schema,
  subject: ({ dest }) => dest,
  desiredState: async options => options,
  probe: probeScript,
  plan: (options, { stdout }) => plan(options, stdout),
})
