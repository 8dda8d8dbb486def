/** Secrets of a policy: read on this side, before any target is touched, and never written anywhere here. */

import type { Abortable } from '../base/abortable.ts'
import { StokerError } from '../base/errors.ts'
import { homeFolder } from '../base/folders.ts'
import { readText } from '../config/read-text.ts'
import { resolvePath } from '../config/resolve-path.ts'
import { printedBy } from '../config/secret-source.ts'
import { errorAt, type Policy, type Secret } from './policy.ts'

/** The values by name. Throws `CONFIG` with the place of the first which cannot be had; no message holds a value. */
export const readSecrets = async (
  { secrets }: Pick<Policy, 'secrets'>,
  io: Abortable,
): Promise<Readonly<Record<string, string>>> => {
  const values: Record<string, string> = {}
  // One after the other: a program may ask its user for a passphrase.
  for (const [name, secret] of secrets) {
    const value = await valueFrom(secret, io)
    if (value === '') throw errorAt(secret.at, 'is empty')
    values[name] = value
  }
  return values
}

const valueFrom = async ({ source, at, folder }: Secret, io: Abortable): Promise<string> => {
  const { file, command, environment } = source
  if (environment !== undefined) {
    const value = process.env[environment]
    if (value !== undefined) return value
    throw errorAt(at, `the environment has no ${environment}`, { below: ['environment'] })
  }
  try {
    if (file !== undefined) return withoutEnd(await readText(resolvePath(file, folder, homeFolder()), io))
    return withoutEnd(await printedBy(command ?? [], folder, io))
  } catch (thrown) {
    if (!(thrown instanceof StokerError)) throw thrown
    throw errorAt(at, thrown.message, { below: [file === undefined ? 'command' : 'file'], cause: thrown })
  }
}

/** Editors and programs end a text with a line feed, which is seldom part of a password. */
const withoutEnd = (text: string): string => text.replace(/\r?\n$/, '')
