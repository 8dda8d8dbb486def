/** The shape of a policy file, but for the resources' options, which the actors know. */
import * as z from 'zod'
import { mapping, text, texts } from '../../config/shape.ts'

/** What names of variables and secrets look like: templates and conditions read them without quotes. */
const word = z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, 'expected a plain word: letters, digits, _ -')

/** A policy's name is that of a folder on the targets, too. */
const policyName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/, 'expected a plain word of at most 100 letters, digits, _ . -')

/** One line, so that reports and lists of names can show it. */
const resourceName = z.string().regex(/^[^\p{C}\s,][^\p{C},]*$/u, 'expected one line of text without commas')

const names = z.union([resourceName.transform(one => [one]), z.array(resourceName)], {
  error: 'expected a name, or a list of names',
})

const tags = z.union([word.transform(one => [one]), z.array(word)], {
  error: 'expected a plain word, or a list of them',
})

/** Where a secret comes from: exactly one of the three. */
const secret = mapping({
  file: text.optional().describe('a file which holds it; one line feed at its end does not count'),
  command: z
    .array(text)
    .min(1, 'is empty')
    .optional()
    .describe('a program and its arguments which prints it; no shell'),
  environment: text.optional().describe('an environment variable which holds it'),
}).refine(
  source => Object.values(source).filter(one => one !== undefined).length === 1,
  'expected exactly one of file, command, environment',
)

export type SecretSource = z.output<typeof secret>

/** The keys which stand beside the actor's name in a resource. */
export const RESOURCE_KEYS = {
  name: resourceName
    .optional()
    .describe('what others call it by; else the actor and what it is about: `file /etc/motd`'),
  targets: text.optional().describe('only on these: a target expression'),
  when: z.string().min(1, 'is empty').optional().describe('only where this holds'),
  each: text.optional().describe('once for every entry of this list, which is `item` then: `vars.users`, `nodes`'),
  after: names.optional().describe('only after these, and not when one of them failed'),
  notify: names.optional().describe('when this changes something, these run: once, at the next flush or at the end'),
  'on-change': names.optional().describe('only when one of these changed something'),
  tags: tags.optional().describe('words to choose resources by, with --tags'),
}

export const resourceShape = mapping(RESOURCE_KEYS)

/** What a resource says beside its options. */
export type ResourceKeys = z.output<typeof resourceShape>

/** The keys of a policy file. A part of which all is commented out counts as left out. */
export const POLICY_KEYS = {
  name: policyName.optional().describe('what the policy is called on the targets; else as its file or folder'),
  targets: text.optional().describe('whom it is for, when the command line names nobody'),
  include: texts.nullish().describe('other policies, whose resources come first'),
  variables: z.record(word, z.unknown()).nullish().describe('values for templates and conditions, as `vars`'),
  secrets: z
    .record(word, secret)
    .nullish()
    .describe(
      'values which are shown nowhere, as `secret`: each from a `file`, a `command` or an `environment` variable',
    ),
  resources: z.array(z.unknown()).nullish().describe('what is wanted, in order'),
}

export const policyShape = mapping(POLICY_KEYS)
