/** Files made from a template, with values of the node and facts of the target. */
import * as z from 'zod'
import { absolutePath, accountName, fileModeOrChange, truth } from '../../src/config/fields.ts'
import { mapping } from '../../src/config/shape.ts'
import { contentOf } from '../../src/converge/content.ts'
import { convergent } from '../../src/converge/convergent-actor.ts'
import { type DesiredFile, planFile, probeFile, withBytes } from '../../src/converge/file/plan.ts'
import { parseFileProbe } from '../../src/converge/file/probe.ts'

const schema = mapping({
  path: absolutePath.refine(path => path !== '/', 'is the root of everything').describe('Absolute path on the target.'),
  source: z.string().min(1).describe('The template on this side; `node.` and `facts.` are its values, strictly.'),
  mode: fileModeOrChange
    .optional()
    .describe(
      'Permission bits: `0644`, or what to change as chmod takes it: `u+x`, `go-w`. Default: as they are; of a new file 0644.',
    ),
  owner: accountName.optional().describe('The user it belongs to.'),
  group: accountName.optional().describe('The group it belongs to.'),
  backup: truth
    .default(false)
    .describe('Whether a file which is replaced is kept beside it, as NAME.20261231T235959Z~.'),
  force: truth.default(false).describe('Whether something of another kind is replaced.'),
  secret: truth
    .optional()
    .describe('Whether diffs hide the content. Default: when the mode lets nobody but the owner read the file.'),
})

type Options = z.output<typeof schema>

export const template = convergent<Options, DesiredFile>({
  name: 'template',
  summary: 'a file made from a template, with values of the node and facts of the target',
  schema,
  subject: ({ path }) => path,
  sources: ({ source }) => [source],
  async desiredState({ source, ...options }, materials) {
    const text = await materials.template(source)
    return { ...options, state: 'present', ...(await withBytes(contentOf(text))) }
  },
  probe: probeFile,
  plan: (desired, result) => planFile(desired, parseFileProbe(result)),
})
