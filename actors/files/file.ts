/** Files, directories and symbolic links: that they are there or not, what they hold, whose they are. */
import * as z from 'zod'
import { absolutePath, accountName, fileMode, fileModeOrChange, truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { type Content, contentOf } from '../../src/converge/content.ts'
import type { Materials } from '../../src/converge/convergent.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { type DesiredFile, planFile, probeFile, withBytes } from '../../src/converge/file/plan.ts'
import { parseFileProbe } from '../../src/converge/file/probe.ts'

const CONTENTS = ['content', 'source', 'template'] as const

const schema = mapping({
  path: absolutePath.refine(path => path !== '/', 'is the root of everything').describe('Absolute path on the target.'),
  state: z
    .enum(['present', 'absent', 'directory', 'symlink'])
    .optional()
    .describe('What is wanted there; `present` is a file. Default: `symlink` with a `target`, else `present`.'),
  content: z.string().optional().describe('What the file holds, exactly: a newline at its end has to be given.'),
  source: z.string().min(1).optional().describe('The file on this side with the content, of any size and kind.'),
  template: z.string().optional().describe('What the file holds, as a template text with values of the node.'),
  target: z.string().min(1).optional().describe('Where the symbolic link leads to, as it is written in it.'),
  mode: fileModeOrChange
    .optional()
    .describe(
      'Permission bits: `0644`, or what to change as chmod takes it: `u+x`, `go-w`. Default: as they are; of a new file 0644, of a new directory 0755.',
    ),
  owner: accountName.optional().describe('The user it belongs to.'),
  group: accountName.optional().describe('The group it belongs to.'),
  recursive: truth
    .optional()
    .describe(
      'Of a directory: `owner`, `group` and `mode` hold for all directories in it, owner and group for all files.',
    ),
  'file-mode': fileMode.optional().describe('With `recursive`: permission bits of the files in the directory.'),
  backup: truth
    .default(false)
    .describe('Whether what is replaced or removed is kept beside it, as NAME.20261231T235959Z~.'),
  force: truth
    .default(false)
    .describe('Whether something of another kind is replaced, and a directory which is not empty is removed.'),
  secret: truth
    .optional()
    .describe('Whether diffs hide the content. Default: when the mode lets nobody but the owner read the file.'),
})
  .superRefine((options, context) => {
    const wrong = (option: string, message: string) => context.addIssue({ code: 'custom', path: [option], message })
    const state = options.state ?? (options.target === undefined ? 'present' : 'symlink')
    const [first, second] = CONTENTS.filter(name => options[name] !== undefined)
    if (first && second) wrong(second, `${first} says already what the file holds`)
    if (first && state !== 'present') wrong(first, `only a file has it, and the state is ${state}`)
    if (options.target === undefined && state === 'symlink') wrong('target', 'is missing: where does the link lead to?')
    if (options.target !== undefined && state !== 'symlink') wrong('target', 'only a link has it; state=symlink')
    if (options.mode !== undefined && state === 'symlink') wrong('mode', 'a link has none')
    if (options.recursive && state !== 'directory')
      wrong('recursive', 'only a directory has something in it; state=directory')
    if (options.recursive && typeof options.mode === 'object')
      wrong('mode', 'with recursive=true it is given as digits, such as 0755')
    if (options['file-mode'] !== undefined && !options.recursive)
      wrong('file-mode', 'counts with recursive=true only; else it is mode')
  })
  .transform(options => ({
    ...options,
    state: options.state ?? (options.target === undefined ? ('present' as const) : ('symlink' as const)),
  }))

type Options = z.output<typeof schema>

export const file = convergent<Options, DesiredFile>({
  name: 'file',
  summary: 'a file, directory or link: what it holds, whose it is, that it is gone',
  schema,
  subject: ({ path }) => path,
  sources: ({ source }) => (source === undefined ? [] : [source]),
  async desiredState(options, materials) {
    const { path, state, target, mode, owner, group, recursive, 'file-mode': fileMode, backup, force, secret } = options
    return {
      ...{ path, state, target, mode, owner, group, backup, force, secret },
      ...(await withBytes(await contentWanted(options, materials))),
      below: recursive ? { directoryMode: typeof mode === 'number' ? mode : undefined, fileMode } : undefined,
    }
  },
  probe: probeFile,
  plan: (desired, result) => planFile(desired, parseFileProbe(result)),
})

const contentWanted = async (
  { path, content, source, template }: Options,
  materials: Materials,
): Promise<Content | undefined> => {
  if (content !== undefined) return contentOf(content)
  if (source !== undefined) return await materials.file(source)
  if (template !== undefined) return contentOf(await materials.render(`template of ${path}`, template))
  return undefined
}
